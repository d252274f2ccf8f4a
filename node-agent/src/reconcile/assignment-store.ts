import { messageOf, nodeAssignmentSchema } from "@vfleet/shared";
import type { NodeAssignment } from "@vfleet/shared";
import { agentError } from "../agent-error.ts";
import { hostDisk, type Disk } from "../disk.ts";

/** The last assignment applied: images are known again before the controller is. */
export class AssignmentStore {
  readonly #file: string;
  readonly #disk: Disk;

  constructor(file: string, disk: Disk = hostDisk) {
    this.#file = file;
    this.#disk = disk;
  }

  async load(): Promise<NodeAssignment | undefined> {
    const text = await this.#disk.read(this.#file);
    if (text === undefined) return undefined;
    try {
      return nodeAssignmentSchema.parse(JSON.parse(text));
    } catch (thrown) {
      throw agentError("record-invalid", { file: this.#file, reason: messageOf(thrown) }, { cause: thrown });
    }
  }

  save(assignment: NodeAssignment): Promise<void> {
    return this.#disk.write(this.#file, JSON.stringify(assignment));
  }
}
