import type { Environment, Logger } from "@vfleet/shared";
import { messageOf, VfleetError } from "@vfleet/shared";
import { z } from "zod";
import { fail } from "../errors.ts";
import { openOwnershipBucket, type OwnershipBucket, type OwnershipEntry } from "./ownership-bucket.ts";
import type { NatsConnection } from "nats";
import type { BeginResult, CommitResult, Outcome, OwnershipRecord, Transition } from "./record.ts";
import { abort, begin, claim, commit, operationsOf, outcomeOf, renewTerm, takeOver } from "./record.ts";

/** How long a step is tried for. */
const persistenceMs = 15_000;

const recordSchema = z.object({
  uid: z.string(),
  node: z.string(),
  epoch: z.number().int().min(1),
  operation: z
    .object({
      id: z.string(),
      source: z.string(),
      target: z.string(),
      state: z.enum(["begun", "committed", "aborted"]),
      reason: z.string().exactOptional(),
    })
    .exactOptional(),
  earlier: z.array(z.object({ id: z.string(), state: z.enum(["committed", "aborted"]) })),
  term: z.string().exactOptional(),
  failover: z
    .object({
      id: z.string(),
      from: z.string(),
      epoch: z.number().int(),
      at: z.string(),
      checkpoint: z.string().exactOptional(),
      lost: z.string(),
    })
    .exactOptional(),
});

export interface OwnershipOptions {
  connection: NatsConnection;
  environment: Environment;
  log: Logger;
  replicas: number;
}

interface Entry {
  record: OwnershipRecord;
  revision: number;
}

/**
 * The ownership records, in a JetStream bucket of their own. Reads are of a mirror and may be a moment old: they say
 * what to tell agents. Decisions read the record itself and compare-and-set at the revision read, so a stale read can
 * only lose. A write whose answer was lost is read again, never assumed.
 */
export class Ownership {
  readonly #kv: OwnershipBucket;
  readonly #options: Pick<OwnershipOptions, "environment" | "log">;
  readonly #mirror = new Map<string, Entry>();
  /** Of which there was a record. */
  readonly #dropped = new Set<string>();
  readonly #byNode = new Map<string, Set<string>>();
  readonly #byOperation = new Map<string, string>();
  readonly #listeners = new Set<(uid: string) => void>();
  #stopWatch: () => void = () => undefined;
  #closed = false;

  private constructor(kv: OwnershipBucket, options: Pick<OwnershipOptions, "environment" | "log">) {
    this.#kv = kv;
    this.#options = options;
  }

  /** Makes the bucket where there is none and resolves when the mirror is filled. */
  static async open(options: OwnershipOptions): Promise<Ownership> {
    return Ownership.over(await openOwnershipBucket(options), options);
  }

  /** Of a bucket that is there. */
  static async over(kv: OwnershipBucket, options: Pick<OwnershipOptions, "environment" | "log">): Promise<Ownership> {
    const ownership = new Ownership(kv, options);
    await ownership.#follow();
    kv.onReconnect(() => ownership.#followAgain());
    return ownership;
  }

  /** As last seen. */
  get(uid: string): OwnershipRecord | undefined {
    return this.#mirror.get(uid)?.record;
  }

  /** uids of what a node owns, as last seen. */
  ownedBy(node: string): ReadonlySet<string> {
    return this.#byNode.get(node) ?? new Set();
  }

  /** Revision at which the record was last written: that of `begin` while an operation is open. */
  revisionOf(uid: string): number | undefined {
    return this.#mirror.get(uid)?.revision;
  }

  /** Server that an operation is about, as far as the records remember it. */
  serverOfOperation(id: string): string | undefined {
    return this.#byOperation.get(id);
  }

  /** Whether there was a record of it, which was dropped: it was deleted. */
  isDropped(uid: string): boolean {
    return this.#dropped.has(uid);
  }

  /** Called after each change, own ones included. */
  onChange(listener: (uid: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async claim(uid: string, node: string): Promise<OwnershipRecord> {
    const { write, result } = claim(undefined, { uid, node });
    if (write !== undefined && !this.#mirror.has(uid)) {
      // Almost always nobody owns it yet, and where a record is there none is written.
      const revision = await this.#writeNew(uid, write);
      if (revision !== undefined) {
        this.#learn(uid, { record: write, revision });
        return result;
      }
    }
    return this.#apply(uid, (record) => claim(record, { uid, node }));
  }

  /** None: there is one already, or whether it was written is not known; the record itself says. */
  async #writeNew(uid: string, record: OwnershipRecord): Promise<number | undefined> {
    try {
      return await this.#kv.write({ key: uid, value: JSON.stringify(record), expectedSequence: 0 });
    } catch (thrown) {
      this.#options.log.debug({ uid, error: messageOf(thrown) }, "ownership record not known to be written");
      return undefined;
    }
  }

  async begin(uid: string, request: { id: string; target: string }): Promise<BeginResult> {
    return this.#apply(uid, (record) => begin(existing(record, uid), request));
  }

  async commit(uid: string, request: { id: string; node: string; epoch: number }): Promise<CommitResult> {
    return this.#apply(uid, (record) => commit(record, request));
  }

  async abort(uid: string, request: { id: string; reason: string }): Promise<"committed" | "aborted"> {
    return this.#apply(uid, (record) => abort(record, request));
  }

  async takeOver(uid: string, request: Parameters<typeof takeOver>[1]): Promise<CommitResult> {
    return this.#apply(uid, (record) => takeOver(record, request));
  }

  async renewTerm(uid: string, request: { node: string; term: string }): Promise<void> {
    if (this.get(uid)?.term !== request.term) await this.#apply(uid, (record) => renewTerm(record, request));
  }

  /** Reads the record itself. `undecided` where it knows nothing of the operation. */
  async outcome(uid: string, id: string): Promise<Outcome> {
    const entry = await this.#persist(uid, () => this.#read(uid));
    return (entry === undefined ? undefined : outcomeOf(entry.record, id)) ?? "undecided";
  }

  /** Forgets a server that no node holds any more. */
  async drop(uid: string): Promise<void> {
    await this.#persist(uid, () => this.#kv.purge(uid));
    this.#remember(uid, undefined);
    this.#tell(uid);
  }

  close(): void {
    this.#closed = true;
    this.#stopWatch();
    this.#listeners.clear();
  }

  async #apply<R>(uid: string, transition: (record: OwnershipRecord | undefined) => Transition<R>): Promise<R> {
    return this.#persist(uid, async () => {
      const entry = await this.#read(uid);
      const { write, result } = transition(entry?.record);
      if (write === undefined) return result;
      const payload = JSON.stringify(write);
      // `create` also replaces the mark that a purge left, which `update` with revision 0 would not.
      const revision =
        entry === undefined ? await this.#kv.create(uid, payload) : await this.#kv.update(uid, payload, entry.revision);
      this.#learn(uid, { record: write, revision });
      return result;
    });
  }

  /** Again from the start while someone else wrote first or the store's answer was lost: the next look at the record says which. */
  async #persist<T>(uid: string, attempt: () => Promise<T>): Promise<T> {
    const { environment, log } = this.#options;
    const deadlineMs = environment.monotonicMs() + persistenceMs;
    for (let pauseMs = 1; ; pauseMs = Math.min(200, pauseMs * 2)) {
      try {
        return await attempt();
      } catch (thrown) {
        if (thrown instanceof VfleetError) throw thrown;
        if (environment.monotonicMs() > deadlineMs)
          throw fail("ownership-unreachable", { uid, reason: messageOf(thrown) }, { cause: thrown });
        log.debug({ uid, error: messageOf(thrown) }, "ownership step repeated");
        await environment.sleep(pauseMs * (0.5 + environment.random()));
      }
    }
  }

  async #read(uid: string): Promise<Entry | undefined> {
    const entry = await this.#kv.get(uid);
    return entry === null ? undefined : entryOf(entry);
  }

  async #follow(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const iterator = await this.#kv.watch({ initializedFn: resolve });
    this.#stopWatch = () => iterator.stop();
    void this.#consume(iterator);
    await promise;
  }

  /** The watch's own look at whether it is still served takes a quarter of a minute; a connection that came back says so at once. */
  async #followAgain(): Promise<void> {
    if (this.#closed) return;
    try {
      this.#stopWatch();
      await this.#persist("every", () => this.#follow());
    } catch (thrown) {
      this.#options.log.error({ error: messageOf(thrown) }, "ownership watch not resumed");
    }
  }

  async #consume(iterator: AsyncIterable<OwnershipEntry>): Promise<void> {
    try {
      for await (const entry of iterator) {
        const known = this.#mirror.get(entry.key);
        if (known !== undefined && known.revision >= entry.revision) continue;
        const parsed = entryOf(entry);
        this.#remember(entry.key, parsed);
        this.#tell(entry.key);
      }
    } catch (thrown) {
      this.#options.log.error({ error: messageOf(thrown) }, "ownership watch ended");
    }
  }

  #learn(uid: string, entry: Entry): void {
    const known = this.#mirror.get(uid);
    if (known !== undefined && known.revision >= entry.revision) return;
    this.#remember(uid, entry);
    this.#tell(uid);
  }

  #remember(uid: string, entry: Entry | undefined): void {
    const before = this.#mirror.get(uid)?.record.node;
    const now = entry?.record.node;
    for (const id of operationsOf(this.#mirror.get(uid)?.record)) this.#byOperation.delete(id);
    for (const id of operationsOf(entry?.record)) this.#byOperation.set(id, uid);
    if (before !== now && before !== undefined) this.#byNode.get(before)?.delete(uid);
    if (entry === undefined) {
      this.#mirror.delete(uid);
      this.#dropped.add(uid);
    } else {
      this.#mirror.set(uid, entry);
      this.#dropped.delete(uid);
    }
    if (now === undefined) return;
    const owned = this.#byNode.get(now) ?? new Set();
    this.#byNode.set(now, owned.add(uid));
  }

  #tell(uid: string): void {
    for (const listener of this.#listeners) listener(uid);
  }
}

function entryOf(entry: OwnershipEntry): Entry | undefined {
  if (entry.operation !== "PUT") return undefined;
  return { record: recordSchema.parse(entry.json()), revision: entry.revision };
}

function existing(record: OwnershipRecord | undefined, uid: string): OwnershipRecord {
  if (record === undefined) throw fail("ownership-unknown", { uid });
  return record;
}
