import { existsSync } from "node:fs";
import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { prepareTargetSchema, writeDurably } from "@vfleet/shared";
import type { PrepareTarget, ServerAssignment } from "@vfleet/shared";

/** What this node was asked to receive, for an agent that is started again meanwhile: until the commit no record has it. */
export class PreparedStore {
  readonly #folder: string;

  constructor(stateFolder: string) {
    this.#folder = join(stateFolder, "prepared-moves");
  }

  async save(request: PrepareTarget): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await writeDurably(this.#file(request.operation), JSON.stringify(request));
  }

  /** Undefined where there is none, or none that can be read. */
  async load(operation: string): Promise<ServerAssignment | undefined> {
    const file = this.#file(operation);
    if (!existsSync(file)) return undefined;
    const parsed = prepareTargetSchema.safeParse(JSON.parse(await readFile(file, "utf8")));
    return parsed.success ? parsed.data.server : undefined;
  }

  async remove(operation: string): Promise<void> {
    await rm(this.#file(operation), { force: true });
  }

  #file(operation: string): string {
    return join(this.#folder, `${operation}.json`);
  }
}
