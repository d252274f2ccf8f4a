import type { Environment, VfleetError } from "@vfleet/shared";
import {
  Empty,
  ErrorCode,
  headers,
  NatsError,
  type JetStreamClient,
  type JetStreamManager,
  type NatsConnection,
} from "nats";
import { fail } from "./errors.ts";
import { WriteBatches } from "./write-batches.ts";

export const operationHeader = "KV-Operation";
const writeIdHeader = "Nats-Msg-Id";
/** "wrong last sequence", with and without the sequence in its text. */
const wrongSequenceCodes: readonly number[] = [10071, 10164];
const noRespondersCode: string = ErrorCode.NoResponders;
const timeoutCode: string = ErrorCode.Timeout;
const unavailableCode = 503;
const noMessageFoundCode = 10037;
const writeTimeoutMs = 2000;
/** Where one of several NATS servers dies, the others take up to ten seconds until one of them takes its writes. */
const persistenceMs = 15_000;
const retryDelayMs = 100;

export interface RecordWrite {
  key: string;
  /** None: the key is deleted. */
  value: string | undefined;
  /** Sequence of the key's newest record; 0: there is none. */
  expectedSequence: number;
}

export interface DurableWriterOptions {
  connection: NatsConnection;
  environment: Environment;
  bucket: string;
}

/** Compare-and-set writes to a KV bucket; many at a time are synced together. */
export class DurableWriter {
  readonly #options: DurableWriterOptions;
  readonly #js: JetStreamClient;
  readonly #jsm: JetStreamManager;
  readonly #batches: WriteBatches;

  private constructor(
    options: DurableWriterOptions,
    parts: { js: JetStreamClient; jsm: JetStreamManager; batches: WriteBatches },
  ) {
    this.#options = options;
    this.#js = parts.js;
    this.#jsm = parts.jsm;
    this.#batches = parts.batches;
  }

  /** Of a bucket that is there. */
  static async open(options: DurableWriterOptions): Promise<DurableWriter> {
    const js = options.connection.jetstream();
    const jsm = await js.jetstreamManager();
    const batches = await WriteBatches.open(options.connection, jsm, `KV_${options.bucket}`);
    return new DurableWriter(options, { js, jsm, batches });
  }

  subjectOf(key: string): string {
    return `$KV.${this.#options.bucket}.${key}`;
  }

  /** The key's newest record, by the stream's leader. */
  async lastRecordOf(key: string): Promise<{ sequence: number; deleted: boolean; writeId: string } | undefined> {
    const deadlineMs = this.#options.environment.monotonicMs() + persistenceMs;
    for (;;) {
      try {
        const message = await this.#jsm.streams.getMessage(`KV_${this.#options.bucket}`, {
          last_by_subj: this.subjectOf(key),
        });
        return {
          sequence: message.seq,
          deleted: message.header.has(operationHeader),
          writeId: message.header.get(writeIdHeader),
        };
      } catch (thrown) {
        if (thrown instanceof NatsError && thrown.api_error?.err_code === noMessageFoundCode) return undefined;
        await this.#rest(thrown, deadlineMs);
      }
    }
  }

  /** Before the next attempt, where another one may succeed in time; else throws `store-unavailable`. */
  async #rest(thrown: unknown, deadlineMs: number): Promise<void> {
    const { environment } = this.#options;
    if (!isPassing(thrown) || environment.monotonicMs() > deadlineMs) throw unavailable(thrown);
    await environment.sleep(retryDelayMs);
  }

  /**
   * Sequence of the written record; none when the key's newest record is not the expected one. The message carries an
   * id of its own: after a timeout it is sent again, and when the key has then moved on, the newest record's id tells
   * whether the first attempt did that. (The server compares sequences before it looks for repeated ids.)
   * Throws `store-unavailable` when nothing was written, `outcome-unknown` when that cannot be said.
   */
  async write(write: RecordWrite): Promise<number | undefined> {
    const id = this.#options.environment.id();
    const data = write.value === undefined ? Empty : new TextEncoder().encode(write.value);
    const batched = await this.#batches.offer({
      subject: this.subjectOf(write.key),
      data,
      headers: { [writeIdHeader]: id, ...(write.value === undefined ? { [operationHeader]: "DEL" } : {}) },
      expectedSequence: write.expectedSequence,
    });
    if (typeof batched === "number") return batched;
    try {
      return await this.#writeAlone(write, { id, data, mayBeWritten: batched === "unknown" });
    } finally {
      this.#batches.ended();
    }
  }

  async #writeAlone(
    write: RecordWrite,
    { id, data, mayBeWritten: wasSent }: { id: string; data: Uint8Array; mayBeWritten: boolean },
  ): Promise<number | undefined> {
    let mayBeWritten = wasSent;
    const deadlineMs = this.#options.environment.monotonicMs() + persistenceMs;
    for (;;) {
      const messageHeaders = headers();
      if (write.value === undefined) messageHeaders.set(operationHeader, "DEL");
      try {
        const acknowledgement = await this.#js.publish(this.subjectOf(write.key), data, {
          msgID: id,
          timeout: writeTimeoutMs,
          headers: messageHeaders,
          expect: { lastSubjectSequence: write.expectedSequence },
        });
        return acknowledgement.seq;
      } catch (thrown) {
        if (thrown instanceof NatsError && wrongSequenceCodes.includes(thrown.api_error?.err_code ?? 0)) {
          if (!mayBeWritten) return undefined;
          const last = await this.lastRecordOf(write.key);
          if (last?.writeId === id) return last.sequence;
          throw outcomeUnknown(write, thrown);
        }
        const wasNobodyThere = thrown instanceof NatsError && thrown.code === noRespondersCode;
        mayBeWritten ||= isPassing(thrown) && !wasNobodyThere;
        await this.#rest(thrown, deadlineMs).catch((ended: unknown) => {
          throw mayBeWritten ? outcomeUnknown(write, thrown) : ended;
        });
      }
    }
  }
}

/** Nobody takes writes at the moment, or whoever does didn't answer. */
function isPassing(thrown: unknown): boolean {
  if (!(thrown instanceof NatsError)) return false;
  return [noRespondersCode, timeoutCode].includes(thrown.code) || thrown.api_error?.code === unavailableCode;
}

function unavailable(thrown: unknown): VfleetError {
  return fail(
    "store-unavailable",
    { reason: thrown instanceof Error ? thrown.message : String(thrown) },
    { cause: thrown },
  );
}

function outcomeUnknown(write: RecordWrite, thrown: unknown): VfleetError {
  return fail(
    "outcome-unknown",
    { what: "record", name: write.key },
    { cause: thrown, hint: "Read the object before writing it again" },
  );
}
