import type { ApiObject, Kind } from "@vfleet/shared";
import { fail } from "./errors.ts";
import { decodeKey, orderOf } from "./object-key.ts";
import type { ObjectKey, StoreEvent } from "./object-store.ts";

/** One record of the stream; no value: the key was deleted. */
export interface MirrorRecord {
  key: string;
  sequence: number;
  value: string | undefined;
  atMs: number;
}

export interface Tombstone {
  sequence: number;
  atMs: number;
}

interface Table {
  byOrder: Map<string, ApiObject>;
  /** In list order; none when a name came or went since it was made. */
  order: readonly string[] | undefined;
  /** The same objects; none when one of them changed since it was made. */
  sorted: readonly ApiObject[] | undefined;
}

/** The whole store in memory, and the events of late, so that lists and watches ask nobody. Frozen objects. */
export class Mirror {
  readonly #tables = new Map<Kind, Table>();
  readonly #tombstones = new Map<string, Tombstone>();
  readonly #listeners = new Set<(event: StoreEvent) => void>();
  readonly #windowEvents: number;
  /** Ends by being cut at the front in one go, so that an append stays cheap. */
  #window: { sequence: number; event: StoreEvent }[] = [];
  /** Every event after this sequence is in the window. */
  #floor = 0;
  #sequence = 0;

  constructor(windowEvents = 8192) {
    this.#windowEvents = windowEvents;
  }

  get sequence(): number {
    return this.#sequence;
  }

  /** Deleted keys whose markers are still in the stream. */
  get tombstones(): ReadonlyMap<string, Tombstone> {
    return this.#tombstones;
  }

  get(kind: Kind, key: ObjectKey): ApiObject | undefined {
    return this.#tables.get(kind)?.byOrder.get(orderOf(key));
  }

  /** Kinds of which there ever was one. */
  kinds(): readonly Kind[] {
    return [...this.#tables.keys()];
  }

  count(kind: Kind): number {
    return this.#tables.get(kind)?.byOrder.size ?? 0;
  }

  /** In the order of lists. */
  list(kind: Kind): readonly ApiObject[] {
    const table = this.#tables.get(kind);
    if (table === undefined) return [];
    if (table.sorted !== undefined) return table.sorted;
    table.order ??= [...table.byOrder.keys()].toSorted((a, b) => (a < b ? -1 : 1));
    table.sorted = table.order.flatMap((key) => table.byOrder.get(key) ?? []);
    return table.sorted;
  }

  /** As `list` was at `sequence`, by taking back what happened since. Throws `expired`. */
  listAt(kind: Kind, sequence: number): readonly ApiObject[] {
    const events = this.eventsAfter(sequence).filter((event) => event.kind === kind);
    if (events.length === 0) return this.list(kind);
    const byOrder = new Map(this.#tables.get(kind)?.byOrder);
    for (const event of events.toReversed()) {
      const order = orderOf(event.object.metadata);
      if (event.previous === undefined) byOrder.delete(order);
      else byOrder.set(order, event.previous);
    }
    return [...byOrder].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
  }

  /** Throws `expired` when some of them are no longer known. */
  eventsAfter(sequence: number): StoreEvent[] {
    if (sequence < this.#floor) throw fail("expired", { version: String(sequence), oldest: String(this.#floor) });
    let first = this.#window.length;
    while (first > 0 && (this.#window[first - 1]?.sequence ?? 0) > sequence) first -= 1;
    return this.#window.slice(first).map((entry) => entry.event);
  }

  /** Called for each event as it is applied, in order. */
  subscribe(listener: (event: StoreEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Ends the first fill: what came before it has no events. */
  filledTo(sequence: number): void {
    this.#sequence = Math.max(this.#sequence, sequence);
    this.#floor = this.#sequence;
    this.#window = [];
  }

  forgetTombstone(key: string): void {
    this.#tombstones.delete(key);
  }

  /** Repeated records change nothing. */
  apply(record: MirrorRecord): void {
    if (record.sequence <= this.#sequence) return;
    this.#sequence = record.sequence;
    const decoded = decodeKey(record.key);
    if (decoded === undefined) return;
    if (record.value === undefined) this.#tombstones.set(record.key, { sequence: record.sequence, atMs: record.atMs });
    else this.#tombstones.delete(record.key);
    const event = this.#change(decoded, record);
    if (event === undefined) return;
    this.#window.push({ sequence: record.sequence, event });
    if (this.#window.length > 2 * this.#windowEvents) this.#cutWindow();
    for (const listener of this.#listeners) listener(event);
  }

  #cutWindow(): void {
    const cut = this.#window.length - this.#windowEvents;
    this.#floor = this.#window[cut - 1]?.sequence ?? this.#floor;
    this.#window = this.#window.slice(cut);
  }

  #change({ kind, key }: { kind: Kind; key: ObjectKey }, record: MirrorRecord): StoreEvent | undefined {
    const table = this.#tables.get(kind) ?? {
      byOrder: new Map<string, ApiObject>(),
      order: undefined,
      sorted: undefined,
    };
    this.#tables.set(kind, table);
    table.sorted = undefined;
    const order = orderOf(key);
    const previous = table.byOrder.get(order);
    if ((previous === undefined) !== (record.value === undefined)) table.order = undefined;
    const resourceVersion = String(record.sequence);
    if (record.value === undefined) {
      if (previous === undefined) return undefined;
      table.byOrder.delete(order);
      const object = deepFreeze({ ...previous, metadata: { ...previous.metadata, resourceVersion } });
      return { type: "DELETED", kind, object, previous };
    }
    const value = JSON.parse(record.value) as ApiObject; // written by this store's own create and update
    const object = deepFreeze({ ...value, metadata: { ...value.metadata, resourceVersion } });
    table.byOrder.set(order, object);
    return { type: previous === undefined ? "ADDED" : "MODIFIED", kind, object, previous };
  }
}

function deepFreeze<T extends object>(value: T): T {
  for (const member of Object.values(value) as unknown[]) {
    if (typeof member === "object" && member !== null && !Object.isFrozen(member)) deepFreeze(member);
  }
  return Object.freeze(value);
}
