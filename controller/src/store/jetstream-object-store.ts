import {
  codeOf,
  timestamp,
  type VfleetError,
  type ApiObject,
  type Environment,
  type Kind,
  type Logger,
} from "@vfleet/shared";
import { fail } from "./errors.ts";
import { listPage } from "./list-page.ts";
import type { Mirror } from "./mirror.ts";
import { changeOf, markedForDeletion, newObject, unversioned } from "./object-change.ts";
import { displayName, encodeKey, resourceName } from "./object-key.ts";
import type {
  DeleteOptions,
  ListOptions,
  ObjectKey,
  ObjectList,
  ObjectStore,
  StoreEvent,
  Watch,
  WatchOptions,
  WriteOptions,
} from "./object-store.ts";
import type { Records } from "./record-log.ts";
import { SequenceWaiters } from "./sequence-waiters.ts";

const mirrorTimeoutMs = 15_000;
/** A write that the mirror does not show after so long has lost its feed. */
const feedSuspectMs = 1000;
const mutateAttempts = 64;
const markerAgeMs = 3_600_000;
const markerSweepMs = 600_000;
/** Of no object: those have four parts. */
const markKey = "mark";
const markersPerSweep = 1000;

interface Parts {
  records: Records;
  mirror: Mirror;
  environment: Environment;
  log: Logger;
}

/** `ObjectStore` over a JetStream KV bucket. */
export class JetStreamObjectStore implements ObjectStore {
  readonly #records: Records;
  readonly #mirror: Mirror;
  readonly #environment: Environment;
  readonly #log: Logger;
  readonly #waiters: SequenceWaiters;
  #stopSweep: () => void = () => {};

  constructor(parts: Parts) {
    this.#records = parts.records;
    this.#mirror = parts.mirror;
    this.#environment = parts.environment;
    this.#log = parts.log;
    this.#waiters = new SequenceWaiters(() => this.#mirror.sequence, parts.environment);
  }

  /** Reads everything; resolves when the mirror has what was stored at the call. */
  async fill(): Promise<void> {
    const { lastSequence, records } = await this.#records.state();
    const filled = Promise.withResolvers<void>();
    await this.#records.follow(
      () => this.#mirror.sequence,
      (record, pending) => {
        this.#mirror.apply(record);
        this.#waiters.reached(record.sequence);
        if (pending === 0) filled.resolve();
      },
    );
    if (records > 0) await filled.promise;
    this.#mirror.filledTo(lastSequence);
    this.#stopSweep = this.#environment.every(markerSweepMs, () => void this.#sweepMarkers());
  }

  get resourceVersion(): string {
    return String(this.#mirror.sequence);
  }

  get connected(): boolean {
    return this.#records.following;
  }

  get<T extends ApiObject>(kind: Kind<T>, key: ObjectKey): T | undefined {
    return this.#mirror.get(untyped(kind), key) as T | undefined; // a kind's table holds only its own objects
  }

  read<T extends ApiObject>(kind: Kind<T>, key: ObjectKey): T {
    const object = this.get(kind, key);
    if (object === undefined) throw fail("not-found", { what: resourceName(untyped(kind)), name: key.name });
    return object;
  }

  list<T extends ApiObject>(kind: Kind<T>, options: ListOptions = {}): ObjectList<T> {
    return listPage(this.#mirror, untyped(kind), options) as ObjectList<T>; // as in `get`
  }

  async create<T extends ApiObject>(
    kind: Kind<T>,
    object: NoInfer<T>,
    options: Pick<WriteOptions, "dryRun"> = {},
  ): Promise<T> {
    const key = object.metadata;
    const exists = () => fail("already-exists", { what: resourceName(untyped(kind)), name: key.name });
    if (this.get(kind, key) !== undefined) throw exists();
    const prepared = newObject(object, {
      uid: this.#environment.id(),
      now: timestamp(this.#environment).replace(/\.\d+Z$/, "Z"),
    });
    if (options.dryRun === true) return prepared as T; // `newObject` changes metadata only
    const encoded = encodeKey(untyped(kind), key);
    const expected = this.#mirror.tombstones.get(encoded)?.sequence ?? 0;
    let sequence = await this.#write(untyped(kind), prepared, expected);
    if (sequence === undefined) {
      // The mirror is behind, or a marker of an earlier deletion is there: the stream's leader knows.
      const last = await this.#records.lastRecordOf(encoded);
      if (last?.deleted === false) {
        await this.#shown(last.sequence, nameOf(prepared));
        throw exists();
      }
      sequence = await this.#write(untyped(kind), prepared, last?.sequence ?? 0);
      if (sequence === undefined) throw exists();
    }
    return this.#written<T>(prepared, sequence);
  }

  async update<T extends ApiObject>(kind: Kind<T>, object: NoInfer<T>, options: WriteOptions = {}): Promise<T> {
    const current = this.read(kind, object.metadata);
    const wanted = object.metadata.resourceVersion;
    if (wanted !== undefined && wanted !== "" && wanted !== current.metadata.resourceVersion)
      throw await this.#conflict(untyped(kind), current);
    const change = changeOf(untyped(kind), { current, next: object }, options.scope ?? "whole");
    if (change.action === "none") return current;
    if (options.dryRun === true)
      return (change.action === "write" ? versioned(change.object, versionOf(current)) : current) as T; // `changeOf` keeps the kind
    if (change.action === "remove") return this.#remove(kind, current);
    const sequence = await this.#write(untyped(kind), change.object, versionOf(current));
    if (sequence === undefined) throw await this.#conflict(untyped(kind), current);
    return this.#written<T>(change.object, sequence);
  }

  async mutate<T extends ApiObject>(
    kind: Kind<T>,
    key: ObjectKey,
    change: (draft: NoInfer<T>) => NoInfer<T> | void | false,
    options: WriteOptions = {},
  ): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      const current = this.read(kind, key);
      // Of what such a write can't change there is no copy: it is frozen.
      const draft =
        options.scope === "status" ? { ...current, status: structuredClone(current.status) } : structuredClone(current);
      const changed = change(draft);
      if (changed === false) return current;
      const next = changed ?? draft;
      try {
        return await this.update(
          kind,
          { ...next, metadata: { ...next.metadata, resourceVersion: current.metadata.resourceVersion } },
          options,
        );
      } catch (thrown) {
        if (codeOf(thrown) !== "conflict" || attempt === mutateAttempts) throw thrown;
      }
    }
  }

  async delete<T extends ApiObject>(kind: Kind<T>, key: ObjectKey, options: DeleteOptions = {}): Promise<T> {
    for (;;) {
      const current = this.read(kind, key);
      this.#checkPreconditions(untyped(kind), current, options);
      try {
        return await this.#deleteOnce(kind, current, options);
      } catch (thrown) {
        // Someone wrote meanwhile: the caller said nothing of versions, so that the newer one is meant too.
        if (codeOf(thrown) !== "conflict" || options.resourceVersion !== undefined) throw thrown;
      }
    }
  }

  watch<T extends ApiObject>(
    kind: Kind<T> | undefined,
    options: WatchOptions,
    listener: ((event: StoreEvent<T>) => void) | ((event: StoreEvent) => void),
  ): Watch {
    const hear = listener as (event: StoreEvent) => void; // hears only events of its own kind
    const wanted = kind === undefined ? undefined : untyped(kind);
    const first = this.#firstEvents(wanted, options);
    let stopped = false;
    const stop = this.#mirror.subscribe((event) => {
      if (!stopped && (wanted === undefined || event.kind === wanted)) hear(event);
    });
    // The mirror changes only between turns of the event loop: nothing comes in between.
    for (const event of first) if (!stopped) hear(event);
    return {
      stop: () => {
        stopped = true;
        stop();
      },
    };
  }

  async catchUp(): Promise<void> {
    // A mark that is written now comes after whatever was written before, and its writing needs most of the copies.
    let sequence: number | undefined;
    while (sequence === undefined) {
      const last = await this.#records.lastRecordOf(markKey);
      const value = this.#environment.id();
      sequence = await this.#records.write({ key: markKey, value, expectedSequence: last?.sequence ?? 0 });
    }
    await this.#shown(sequence, { what: "record", name: markKey });
  }

  async close(): Promise<void> {
    this.#stopSweep();
    this.#records.close();
    this.#waiters.close();
    return Promise.resolve();
  }

  #firstEvents(kind: Kind | undefined, options: WatchOptions): StoreEvent[] {
    const version = options.resourceVersion;
    if (version === undefined || version === "" || version === "0") {
      const kinds = kind === undefined ? this.#mirror.kinds() : [kind];
      return kinds.flatMap((each) =>
        this.#mirror.list(each).map((object): StoreEvent => ({ type: "ADDED", kind: each, object })),
      );
    }
    if (!/^\d{1,15}$/.test(version)) throw fail("version-invalid", { version });
    return this.#mirror.eventsAfter(Number(version)).filter((event) => kind === undefined || event.kind === kind);
  }

  async #deleteOnce<T extends ApiObject>(kind: Kind<T>, current: T, options: DeleteOptions): Promise<T> {
    if ((current.metadata.finalizers ?? []).length === 0)
      return options.dryRun === true ? current : this.#remove(kind, current);
    if (current.metadata.deletionTimestamp !== undefined) return current;
    const marked = markedForDeletion(current, timestamp(this.#environment).replace(/\.\d+Z$/, "Z"));
    if (options.dryRun === true) return marked as T; // metadata only
    const sequence = await this.#write(untyped(kind), marked, versionOf(current));
    if (sequence === undefined) throw await this.#conflict(untyped(kind), current);
    return this.#written<T>(marked, sequence);
  }

  #checkPreconditions(kind: Kind, current: ApiObject, options: DeleteOptions): void {
    const { uid, resourceVersion } = current.metadata;
    const failed = (member: string, wanted: string, actual: string | undefined) =>
      fail("conflict", {
        what: resourceName(kind),
        name: current.metadata.name,
        reason: `the precondition ${member} ${wanted} is not met, it is ${actual ?? "none"}`,
      });
    if (options.uid !== undefined && options.uid !== uid) throw failed("uid", options.uid, uid);
    if (options.resourceVersion !== undefined && options.resourceVersion !== resourceVersion)
      throw failed("resourceVersion", options.resourceVersion, resourceVersion);
  }

  /** Returns the object as it was last, with the version of its deletion. */
  async #remove<T extends ApiObject>(kind: Kind<T>, current: T): Promise<T> {
    const key = encodeKey(untyped(kind), current.metadata);
    const sequence = await this.#records.write({ key, value: undefined, expectedSequence: versionOf(current) });
    if (sequence === undefined) throw await this.#conflict(untyped(kind), current);
    return this.#written<T>(unversioned(current), sequence);
  }

  async #write(kind: Kind, object: ApiObject, expectedSequence: number): Promise<number | undefined> {
    const value = JSON.stringify(object);
    const bytes = Buffer.byteLength(value);
    if (bytes > this.#records.limitBytes) {
      throw fail("too-large", {
        what: resourceName(kind),
        name: object.metadata.name,
        bytes,
        limitBytes: this.#records.limitBytes,
      });
    }
    return this.#records.write({ key: encodeKey(kind, object.metadata), value, expectedSequence });
  }

  async #written<T extends ApiObject>(object: ApiObject, sequence: number): Promise<T> {
    await this.#shown(sequence, nameOf(object));
    return versioned(object, sequence) as T; // the caller's own kind
  }

  /** Resolves when the mirror has that record, so that no read goes back behind it. */
  async #shown(sequence: number, record: { what: string; name: string }): Promise<void> {
    if (await this.#waiters.wait(sequence, feedSuspectMs)) return;
    this.#log.warn({ sequence, mirrored: this.#mirror.sequence }, "mirror is behind its own write");
    void this.#records.restartFollowing();
    if (await this.#waiters.wait(sequence, mirrorTimeoutMs)) return;
    throw fail("outcome-unknown", record);
  }

  /** Waits for the mirror to show what stood in the way, so that who reads again does not meet the old one again. */
  async #conflict(kind: Kind, current: ApiObject): Promise<VfleetError> {
    const last = await this.#records.lastRecordOf(encodeKey(kind, current.metadata));
    if (last !== undefined) await this.#shown(last.sequence, nameOf(current));
    return fail("conflict", {
      what: resourceName(kind),
      name: current.metadata.name,
      reason: "the object has been modified; please apply your changes to the latest version and try again",
    });
  }

  async #sweepMarkers(): Promise<void> {
    const before = this.#environment.nowMs() - markerAgeMs;
    const old = [...this.#mirror.tombstones]
      .filter(([, tombstone]) => tombstone.atMs < before)
      .slice(0, markersPerSweep);
    for (const [key, tombstone] of old) {
      try {
        await this.#records.purgeMarker(key, tombstone.sequence);
        if (this.#mirror.tombstones.get(key)?.sequence === tombstone.sequence) this.#mirror.forgetTombstone(key);
      } catch (thrown) {
        this.#log.warn({ key, error: String(thrown) }, "deletion marker not purged");
        return;
      }
    }
  }
}

function versioned(object: ApiObject, sequence: number): ApiObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(sequence) } };
}

/** For errors. */
function nameOf({ kind, metadata }: ApiObject): { what: string; name: string } {
  return { what: kind, name: displayName(metadata) };
}

function versionOf(object: ApiObject): number {
  return Number(object.metadata.resourceVersion);
}

/** A kind's columns take its own objects, which makes `Kind<T>` and `Kind` strangers to the compiler; the store never calls them. */
function untyped<T extends ApiObject>(kind: Kind<T>): Kind {
  return kind as unknown as Kind;
}
