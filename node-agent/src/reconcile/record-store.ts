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
  /** Whose last write failed: what is in memory isn't on disk. */
  readonly #unwritten = new Set<string>();

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
    await this.#write(record);
  }

  /**
   * Resolves when what `get` gives would survive a power cut: waits for writes under way, and writes again what could not be written. Nothing
   * may be done about a record before that.
   */
  async written(uid: string): Promise<void> {
    await this.#writes.get(uid)?.catch(() => undefined);
    const record = this.#records.get(uid);
    if (record !== undefined && this.#unwritten.has(uid)) await this.#write(record);
  }

  async #write(record: ServerRecord): Promise<void> {
    const { uid } = record;
    const before = this.#writes.get(uid) ?? Promise.resolve();
    const write = before
      .catch(() => undefined)
      .then(async () => {
        this.#unwritten.add(uid);
        await this.#disk.write(join(this.#folder, `${uid}.json`), JSON.stringify(record));
        this.#unwritten.delete(uid);
      });
    this.#writes.set(uid, write);
    await write;
  }
}
