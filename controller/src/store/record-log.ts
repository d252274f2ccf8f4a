import { type Environment, type Logger } from "@vfleet/shared";
import {
  consumerOpts,
  Events,
  StorageType,
  type JetStreamClient,
  type JetStreamManager,
  type JetStreamSubscription,
  type JsMsg,
  type NatsConnection,
} from "nats";
import { DurableWriter, operationHeader, type RecordWrite } from "./durable-writer.ts";
import type { MirrorRecord } from "./mirror.ts";

const retryDelayMs = 250;
/** While NATS servers agree on a leader nobody answers: then it is asked again, and what is asked for may be repeated. */
const answerTimeoutMs = 2000;

export interface RecordLogOptions {
  connection: NatsConnection;
  environment: Environment;
  log: Logger;
  bucket: string;
  replicas: number;
}

/** `pending`: records that are known to come after it; 0 when it was the newest. */
export type OnRecord = (record: MirrorRecord, pending: number) => void;

/** What the object store needs of its bucket: JetStream's, or a simulated one. */
export type Records = Pick<
  RecordLog,
  | "following"
  | "limitBytes"
  | "state"
  | "lastRecordOf"
  | "write"
  | "purgeMarker"
  | "follow"
  | "restartFollowing"
  | "close"
>;

/** The JetStream KV bucket: compare-and-set writes, and every record in order from a sequence on. */
export class RecordLog {
  readonly #options: RecordLogOptions;
  readonly #stream: string;
  readonly #js: JetStreamClient;
  readonly #jsm: JetStreamManager;
  readonly #writer: DurableWriter;
  #closed = false;
  #following = false;
  #subscription: JetStreamSubscription | undefined;
  /** Grows with each subscription: what an older one still delivers is dropped. */
  #subscriptionNumber = 0;

  private constructor(
    options: RecordLogOptions,
    { js, jsm, writer }: { js: JetStreamClient; jsm: JetStreamManager; writer: DurableWriter },
  ) {
    this.#options = options;
    this.#writer = writer;
    this.#stream = `KV_${options.bucket}`;
    this.#js = js;
    this.#jsm = jsm;
  }

  static async open(options: RecordLogOptions): Promise<RecordLog> {
    const js = options.connection.jetstream({ timeout: answerTimeoutMs });
    const jsm = await js.jetstreamManager();
    await js.views.kv(options.bucket, { history: 1, replicas: options.replicas, storage: StorageType.File });
    return new RecordLog(options, { js, jsm, writer: await DurableWriter.open(options) });
  }

  /** Whether records arrive at this moment. */
  get following(): boolean {
    return this.#following && !this.#options.connection.isClosed();
  }

  /** Values may have so many bytes. The rest of a message is subject and headers. */
  get limitBytes(): number {
    return (this.#options.connection.info?.max_payload ?? 1_048_576) - 4096;
  }

  /** Sequence given last, and how many records are kept. */
  async state(): Promise<{ lastSequence: number; records: number }> {
    const { state } = await this.#jsm.streams.info(this.#stream);
    return { lastSequence: state.last_seq, records: state.messages };
  }

  /** The key's newest record, by the stream's leader. */
  lastRecordOf(key: string): ReturnType<DurableWriter["lastRecordOf"]> {
    return this.#writer.lastRecordOf(key);
  }

  /** As `DurableWriter.write`. */
  write(write: RecordWrite): Promise<number | undefined> {
    return this.#writer.write(write);
  }

  /** Removes a key's deletion marker from the stream, and nothing newer. */
  async purgeMarker(key: string, sequence: number): Promise<void> {
    await this.#jsm.streams.purge(this.#stream, { filter: this.#subject(key), seq: sequence + 1 });
  }

  /**
   * Calls `onRecord` for every record after `nextAfter()`, for good: begins again from there whenever the connection
   * came back, and when `restartFollowing` is called.
   */
  async follow(nextAfter: () => number, onRecord: OnRecord): Promise<void> {
    await this.#subscribe(nextAfter, onRecord);
    void this.#watchConnection(nextAfter, onRecord);
    this.restartFollowing = () => this.#resubscribe(nextAfter, onRecord);
  }

  restartFollowing: () => Promise<void> = () => Promise.resolve();

  close(): void {
    this.#closed = true;
    this.#following = false;
    this.#subscriptionNumber += 1;
    this.#subscription?.unsubscribe();
  }

  async #subscribe(nextAfter: () => number, onRecord: OnRecord): Promise<void> {
    this.#subscriptionNumber += 1;
    const number = this.#subscriptionNumber;
    const options = consumerOpts();
    options.orderedConsumer();
    options.bindStream(this.#stream);
    options.startSequence(nextAfter() + 1);
    options.callback((error, message) => {
      if (number !== this.#subscriptionNumber || error !== null || message === null) return;
      onRecord(this.#record(message), message.info.pending);
    });
    const subscription = await this.#js.subscribe(this.#subject(">"), options);
    if (number !== this.#subscriptionNumber) {
      subscription.unsubscribe();
      return;
    }
    this.#subscription?.unsubscribe();
    this.#subscription = subscription;
    this.#following = true;
  }

  async #resubscribe(nextAfter: () => number, onRecord: OnRecord): Promise<void> {
    while (!this.#closed && !this.#options.connection.isClosed()) {
      try {
        // Before the question: while it is under way the mirror goes on.
        const mirrored = nextAfter();
        const { lastSequence } = await this.state();
        if (lastSequence < mirrored) {
          this.#options.log.error(
            { lastSequence, mirrored },
            "object store has gone back: it was replaced or restored; restart the controller",
          );
          this.#following = false;
          return;
        }
        await this.#subscribe(nextAfter, onRecord);
        return;
      } catch (thrown) {
        this.#options.log.warn({ error: String(thrown) }, "object store not ready yet");
        await this.#options.environment.sleep(retryDelayMs);
      }
    }
  }

  async #watchConnection(nextAfter: () => number, onRecord: OnRecord): Promise<void> {
    for await (const status of this.#options.connection.status()) {
      if (this.#closed) return;
      if (status.type === Events.Disconnect) this.#following = false;
      if (status.type === Events.Reconnect) await this.#resubscribe(nextAfter, onRecord);
    }
  }

  #record(message: JsMsg): MirrorRecord {
    const deleted = message.headers?.has(operationHeader) === true;
    return {
      key: message.subject.slice(this.#subject("").length),
      sequence: message.seq,
      value: deleted ? undefined : message.string(),
      atMs: message.info.timestampNanos / 1_000_000,
    };
  }

  #subject(key: string): string {
    return `$KV.${this.#options.bucket}.${key}`;
  }
}
