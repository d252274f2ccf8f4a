import { join } from "node:path";
import { messageOf } from "@vfleet/shared";
import { agentError } from "../agent-error.ts";
import { hostDisk, type Disk } from "../disk.ts";
import { serverRecordSchema } from "./server-record.ts";
import type { ServerRecord } from "./server-record.ts";

/** The servers' records: in memory, and on disk before anything is done about a change. */
export class RecordStore {
  readonly #folder: string;
  readonly #disk: Disk;
  readonly #records = new Map<string, ServerRecord>();
  /** Writes of one record follow each other. */
  readonly #writes = new Map<string, Promise<void>>();

  readonly #onRecord: (record: ServerRecord) => void;

  /** `onRecord`: called with each before anything is done about it. */
  constructor(folder: string, disk: Disk = hostDisk, onRecord: (record: ServerRecord) => void = () => undefined) {
    this.#folder = folder;
    this.#disk = disk;
    this.#onRecord = onRecord;
  }

  /** Throws `record-invalid` on a damaged one: running a server whose epoch is unknown is worse than not starting. */
  async load(): Promise<void> {
    for (const name of await this.#disk.names(this.#folder)) {
      if (!name.endsWith(".json")) continue;
      const file = join(this.#folder, name);
      try {
        const record = serverRecordSchema.parse(JSON.parse((await this.#disk.read(file)) ?? ""));
        this.#records.set(record.uid, record);
        this.#onRecord(record);
      } catch (thrown) {
        throw agentError("record-invalid", { file, reason: messageOf(thrown) }, { cause: thrown });
      }
    }
  }

  get(uid: string): ServerRecord | undefined {
    return this.#records.get(uid);
  }

  all(): ServerRecord[] {
    return [...this.#records.values()];
  }

  /** Resolves when it would survive a power cut. */
  async save(record: ServerRecord): Promise<void> {
    if (this.#records.get(record.uid) === record) return;
    this.#onRecord(record);
    this.#records.set(record.uid, record);
    const before = this.#writes.get(record.uid) ?? Promise.resolve();
    const write = before
      .catch(() => undefined)
      .then(() => this.#disk.write(join(this.#folder, `${record.uid}.json`), JSON.stringify(record)));
    this.#writes.set(record.uid, write);
    await write;
  }
}
