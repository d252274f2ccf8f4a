import {
  storeError,
  type CounterBucket,
  type OnRecord,
  type OwnershipBucket,
  type OwnershipEntry,
  type Records,
  type RecordWrite,
} from "@vfleet/controller/simulation";
import type { KeptRecord, KeyValue } from "./key-value.ts";
import type { Process } from "./process.ts";

const writeTimeoutMs = 3000;
const readTimeoutMs = 1000;
const writeAttempts = 4;
const retryMs = 250;

/** Where a program asks from. */
export interface Asker {
  process: Process;
  place: string;
}

/** The object store's bucket as one controller has it. Its writes keep the promises of the controller's own writer. */
export function simulatedRecords(store: KeyValue, asker: Asker): Records {
  let isFollowing = false;
  let stop = () => {};
  const lastRecordOf = async (key: string) => {
    const last = await store
      .ask({ ...asker, timeoutMs: readTimeoutMs }, () => store.records.get(key))
      .catch(() => {
        throw storeError("store-unavailable", { reason: "no answer" });
      });
    return last === undefined
      ? undefined
      : { sequence: last.sequence, deleted: last.value === undefined, writeId: last.writeId };
  };
  return {
    get following() {
      return isFollowing;
    },
    limitBytes: 1_000_000,
    restartFollowing: () => Promise.resolve(),
    state: () =>
      store.ask({ ...asker, timeoutMs: readTimeoutMs }, () => ({
        lastSequence: store.sequence,
        records: store.records.size,
      })),
    lastRecordOf,
    write: (write) => writeRepeatedly(store, asker, write),
    purgeMarker: () => Promise.resolve(),
    follow: (nextAfter, onRecord: OnRecord) => {
      isFollowing = true;
      stop = store.follow({ ...asker, after: nextAfter() }, (record, pending) => onRecord(record, pending));
      return Promise.resolve();
    },
    close: () => {
      isFollowing = false;
      stop();
    },
  };
}

async function writeRepeatedly(store: KeyValue, asker: Asker, write: RecordWrite): Promise<number | undefined> {
  const { key, value, expectedSequence: expected } = write;
  const writeId = asker.process.environment.id();
  const unknown = () => storeError("outcome-unknown", { what: "record", name: key });
  let mayBeWritten = false;
  for (let attempt = 1; attempt <= writeAttempts; attempt += 1) {
    try {
      const sequence = await store.ask({ ...asker, timeoutMs: writeTimeoutMs }, () =>
        store.write({ key, value, expected, writeId }),
      );
      if (sequence !== undefined || !mayBeWritten) return sequence;
    } catch {
      mayBeWritten = true;
      await asker.process.environment.sleep(retryMs);
      continue;
    }
    const last = await store
      .ask({ ...asker, timeoutMs: readTimeoutMs }, () => store.records.get(key))
      .catch(() => {
        throw unknown();
      });
    if (last?.writeId === writeId) return last.sequence;
    throw unknown();
  }
  throw unknown();
}

/** The ownership records' bucket as one controller has it. */
export function simulatedOwnership(store: KeyValue, asker: Asker): OwnershipBucket {
  const { process } = asker;
  const set = (key: string, value: string, expected: number) =>
    store.ask({ ...asker, timeoutMs: readTimeoutMs }, () => {
      const sequence = store.write({ key, value, expected, writeId: process.environment.id() });
      if (sequence === undefined) throw new Error("wrong last sequence");
      return sequence;
    });
  return {
    get: async (key) => {
      const record = await store.ask({ ...asker, timeoutMs: readTimeoutMs }, () => store.records.get(key));
      return record === undefined ? null : entryOf(record);
    },
    create: async (key, value) => {
      // As NATS' own client does: a key that was deleted can be made again.
      const last = store.records.get(key);
      return set(key, value, last !== undefined && last.value === undefined ? last.sequence : 0);
    },
    update: set,
    purge: async (key) => {
      await store.ask({ ...asker, timeoutMs: readTimeoutMs }, () =>
        store.write({ key, value: undefined, expected: undefined, operation: "PURGE", writeId: "" }),
      );
    },
    write: (write) => writeRepeatedly(store, asker, write),
    watch: (options) => Promise.resolve(watched(store, asker, options.initializedFn)),
    onReconnect: () => {},
  };
}

function watched(
  store: KeyValue,
  asker: Asker,
  initialized: () => void,
): AsyncIterable<OwnershipEntry> & { stop(): void } {
  const entries: OwnershipEntry[] = [];
  let wake = Promise.withResolvers<void>();
  const line = { isOver: false };
  let isInitialized = store.records.size === 0;
  if (isInitialized) initialized();
  const stop = store.follow({ ...asker, after: 0 }, (record, pending) => {
    entries.push(entryOf(record));
    if (pending === 0 && !isInitialized) {
      isInitialized = true;
      // After whoever iterates has taken them.
      asker.process.after(0, initialized);
    }
    wake.resolve();
  });
  async function* iterate(): AsyncGenerator<OwnershipEntry> {
    while (!line.isOver) {
      yield* entries.splice(0);
      await wake.promise;
      wake = Promise.withResolvers<void>();
    }
  }
  return {
    [Symbol.asyncIterator]: iterate,
    stop: () => {
      line.isOver = true;
      stop();
      wake.resolve();
    },
  };
}

export function simulatedCounter(store: KeyValue, asker: Asker): CounterBucket {
  const bucket = simulatedOwnership(store, asker);
  return {
    get: async (key) => {
      const entry = await bucket.get(key);
      return entry === null ? null : { revision: entry.revision, string: () => JSON.stringify(entry.json()) };
    },
    create: (key, value) => bucket.create(key, value),
    update: (key, value, revision) => bucket.update(key, value, revision),
  };
}

function entryOf({ key, sequence, operation, value }: KeptRecord): OwnershipEntry {
  return { key, revision: sequence, operation, json: () => JSON.parse(value ?? "null") as unknown };
}
