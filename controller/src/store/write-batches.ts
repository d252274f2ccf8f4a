import { headers, type JetStreamManager, type NatsConnection } from "nats";
import { z } from "zod";

interface BatchedWrite {
  subject: string;
  data: Uint8Array;
  headers: Record<string, string>;
  /** Of the subject; 0: there is none. */
  expectedSequence: number;
}

/** Its sequence, or that it has to be written by itself: nothing of it was, or whether it was is not known. */
type BatchOutcome = number | "alone" | "unknown";

interface Waiting {
  write: BatchedWrite;
  resolve: (outcome: BatchOutcome) => void;
}

/** Fewer are faster one by one: a batch costs several syncs, however many records it has. */
const batchMin = 12;
const batchMax = 500;
/** Written by themselves at a time. */
const aloneMax = 8;
const batchTimeoutMs = 2000;

const acknowledgementSchema = z.object({
  seq: z.number().optional(),
  count: z.number().optional(),
  error: z.object({ err_code: z.number().optional(), description: z.string().optional() }).optional(),
});

/**
 * Writes that come while others are being synced go to the stream together, as JetStream's atomic batches (ADR-50): all of them or none, each
 * with its own expected sequence. One that is in the way of the others sends all of them back, to be written by themselves.
 */
export class WriteBatches {
  readonly #connection: NatsConnection;
  readonly #isPossible: boolean;
  readonly #queue: Waiting[] = [];
  #alone = 0;
  #isSending = false;
  #batch = 0;
  readonly #name = crypto.randomUUID();

  private constructor(connection: NatsConnection, isPossible: boolean) {
    this.#connection = connection;
    this.#isPossible = isPossible;
  }

  /** Lets the stream take batches; a server that knows of none gets every write by itself. */
  static async open(connection: NatsConnection, jsm: JetStreamManager, stream: string): Promise<WriteBatches> {
    const { config } = await jsm.streams.info(stream);
    if ("allow_atomic" in config && config.allow_atomic === true) return new WriteBatches(connection, true);
    const wanted = { ...config, allow_atomic: true };
    const answer = await connection.request(`$JS.API.STREAM.UPDATE.${stream}`, JSON.stringify(wanted));
    const { config: now } = z.object({ config: z.looseObject({}).optional() }).parse(answer.json());
    return new WriteBatches(connection, now?.["allow_atomic"] === true);
  }

  /** Resolves when it was written in a batch, or with `alone` or `unknown` when it is the caller's turn to write it, until `ended`. */
  async offer(write: BatchedWrite): Promise<BatchOutcome> {
    if (!this.#isPossible || (this.#alone < aloneMax && this.#queue.length === 0 && !this.#isSending)) {
      this.#alone++;
      return "alone";
    }
    const { promise, resolve } = Promise.withResolvers<BatchOutcome>();
    this.#queue.push({ write, resolve });
    return promise;
  }

  /** A write by itself has ended. */
  ended(): void {
    this.#alone--;
    this.#next();
  }

  #next(): void {
    if (this.#isSending) return;
    if (this.#queue.length >= batchMin) {
      this.#isSending = true;
      void this.#send(this.#queue.splice(0, batchMax));
      return;
    }
    while (this.#alone < aloneMax) {
      const next = this.#queue.shift();
      if (next === undefined) return;
      this.#alone++;
      next.resolve("alone");
    }
  }

  async #send(entries: readonly Waiting[]): Promise<void> {
    const outcomes = await this.#outcomes(entries.map(({ write }) => write));
    this.#isSending = false;
    for (const [index, { resolve }] of entries.entries()) {
      const outcome = outcomes(index);
      if (typeof outcome !== "number") this.#alone++;
      resolve(outcome);
    }
    this.#next();
  }

  async #outcomes(writes: readonly BatchedWrite[]): Promise<(index: number) => BatchOutcome> {
    const id = `${this.#name}-${++this.#batch}`;
    const messageOf = (write: BatchedWrite, index: number) => {
      const message = headers();
      for (const [name, value] of Object.entries(write.headers)) message.set(name, value);
      message.set("Nats-Expected-Last-Subject-Sequence", String(write.expectedSequence));
      message.set("Nats-Batch-Id", id);
      message.set("Nats-Batch-Sequence", String(index + 1));
      if (index === writes.length - 1) message.set("Nats-Batch-Commit", "1");
      return message;
    };
    try {
      for (const [index, write] of writes.slice(0, -1).entries())
        this.#connection.publish(write.subject, write.data, { headers: messageOf(write, index) });
      const last = writes.length - 1;
      const { subject = "", data } = writes[last] ?? {};
      const reply = await this.#connection.request(subject, data, {
        headers: writes[last] === undefined ? headers() : messageOf(writes[last], last),
        timeout: batchTimeoutMs,
      });
      const { seq, count, error } = acknowledgementSchema.parse(reply.json());
      if (error !== undefined || seq === undefined || count !== writes.length) return () => "alone";
      return (index) => seq - last + index;
    } catch {
      return () => "unknown";
    }
  }
}
