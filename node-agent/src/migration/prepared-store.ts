import { join } from "node:path";
import { prepareTargetSchema } from "@vfleet/shared";
import type { PrepareTarget, ServerAssignment } from "@vfleet/shared";
import { hostDisk, type Disk } from "../disk.ts";

/** What this node was asked to receive, for an agent that is started again meanwhile: until the commit no record has it. */
export class PreparedStore {
  readonly #folder: string;
  readonly #disk: Disk;

  constructor(stateFolder: string, disk: Disk = hostDisk) {
    this.#disk = disk;
    this.#folder = join(stateFolder, "prepared-moves");
  }

  async save(request: PrepareTarget): Promise<void> {
    await this.#disk.makeFolder(this.#folder, 0o700);
    await this.#disk.write(this.#file(request.operation), JSON.stringify(request));
  }

  /** Undefined where there is none, or one that says nothing any more. A disk that fails says nothing about it: throws. */
  async load(operation: string): Promise<ServerAssignment | undefined> {
    const text = await this.#disk.read(this.#file(operation));
    if (text === undefined) return undefined;
    try {
      return prepareTargetSchema.parse(JSON.parse(text)).server;
    } catch {
      return undefined;
    }
  }

  /** Operations and servers. */
  async all(): Promise<{ operation: string; uid: string }[]> {
    await this.#disk.makeFolder(this.#folder, 0o700);
    const names = (await this.#disk.names(this.#folder)).filter((name) => name.endsWith(".json"));
    const operations = names.map((name) => name.slice(0, -".json".length));
    const servers = await Promise.all(operations.map((operation) => this.load(operation)));
    return operations.map((operation, at) => ({ operation, uid: servers[at]?.uid ?? "" }));
  }

  async remove(operation: string): Promise<void> {
    await this.#disk.remove(this.#file(operation));
  }

  #file(operation: string): string {
    return join(this.#folder, `${operation}.json`);
  }
}
