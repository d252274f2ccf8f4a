import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { messageOf, nodeAssignmentSchema, writeDurably } from "@vfleet/shared";
import type { NodeAssignment } from "@vfleet/shared";
import { agentError } from "../agent-error.ts";

/** The last assignment applied: network and images are known again before the controller is. */
export class AssignmentStore {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  async load(): Promise<NodeAssignment | undefined> {
    if (!existsSync(this.#file)) return undefined;
    try {
      return nodeAssignmentSchema.parse(JSON.parse(await readFile(this.#file, "utf8")));
    } catch (thrown) {
      throw agentError("record-invalid", { file: this.#file, reason: messageOf(thrown) }, { cause: thrown });
    }
  }

  save(assignment: NodeAssignment): Promise<void> {
    return writeDurably(this.#file, JSON.stringify(assignment));
  }
}
