import type { ApiObject, Kind } from "@vfleet/shared";

/** Where an object is: `namespace` for kinds that have one. */
export interface ObjectKey {
  namespace?: string | undefined;
  name: string;
}

export interface ListOptions {
  /** None: every namespace. */
  namespace?: string | undefined;
  /** `app=cache,tier in (a,b),!old`. */
  labelSelector?: string | undefined;
  /** `status.phase=Running,metadata.name!=web`. */
  fieldSelector?: string | undefined;
  limit?: number | undefined;
  /** From the last page's list. */
  continue?: string | undefined;
}

export interface ObjectList<T> {
  items: T[];
  /** The state is that of this version; a watch from here misses nothing. */
  resourceVersion: string;
  continue?: string;
  remainingItemCount?: number;
}

/** `object` is frozen; `previous` is what it was before, where known. A `DELETED` object carries the deletion's version. */
export interface StoreEvent<T extends ApiObject = ApiObject> {
  type: "ADDED" | "MODIFIED" | "DELETED";
  kind: Kind<T>;
  object: T;
  previous?: T | undefined;
}

export interface WatchOptions {
  /** Events after this version; none or `"0"`: the present state as `ADDED` events first (before `watch` returns). Throws `expired`. */
  resourceVersion?: string | undefined;
}

export interface Watch {
  stop(): void;
}

/** What of an object a write may change: all, all but `status`, or only `status`. */
export type WriteScope = "whole" | "main" | "status";

export interface WriteOptions {
  /** Default `whole`: for controllers. */
  scope?: WriteScope | undefined;
  /** Does all checks, writes nothing. */
  dryRun?: boolean | undefined;
}

export interface DeleteOptions {
  uid?: string | undefined;
  resourceVersion?: string | undefined;
  dryRun?: boolean | undefined;
}

/**
 * The store of record, with a full in-memory mirror. Reads are of the mirror, synchronous, frozen (copy before changing)
 * and never older than a write that this store acknowledged. Writes are compare-and-set.
 *
 * Errors (`VfleetError.code`): `not-found`, `already-exists`, `conflict` (someone else wrote), `invalid`, `too-large`,
 * `expired` (version no longer known), `store-unavailable`, `outcome-unknown` (may have been written: read again).
 */
export interface ObjectStore {
  get<T extends ApiObject>(kind: Kind<T>, key: ObjectKey): T | undefined;
  /** As `get`; throws `not-found`. */
  read<T extends ApiObject>(kind: Kind<T>, key: ObjectKey): T;
  list<T extends ApiObject>(kind: Kind<T>, options?: ListOptions): ObjectList<T>;
  /** Fills uid, version, generation and time. Whoever calls has parsed the object by its kind's schema. */
  create<T extends ApiObject>(kind: Kind<T>, object: NoInfer<T>, options?: Pick<WriteOptions, "dryRun">): Promise<T>;
  /**
   * Compare-and-set on the object's own `metadata.resourceVersion`; unconditional where it has none. What changes
   * nothing writes nothing. Ends a deletion under way when the last finalizer goes.
   */
  update<T extends ApiObject>(kind: Kind<T>, object: NoInfer<T>, options?: WriteOptions): Promise<T>;
  /**
   * Reads, lets `change` edit a copy (or return another one), writes; again from the start when someone else wrote.
   * `change` returning `false` leaves the object alone. Throws what `change` throws, and `not-found`.
   */
  mutate<T extends ApiObject>(
    kind: Kind<T>,
    key: ObjectKey,
    change: (draft: NoInfer<T>) => NoInfer<T> | void | false,
    options?: WriteOptions,
  ): Promise<T>;
  /** With finalizers: only marked, and returned so. Throws `not-found`, `conflict` when a precondition fails. */
  delete<T extends ApiObject>(kind: Kind<T>, key: ObjectKey, options?: DeleteOptions): Promise<T>;
  /** Calls `listener` in order, one event at a time; `kind` none: every kind. A listener must not throw. */
  watch<T extends ApiObject>(kind: Kind<T>, options: WatchOptions, listener: (event: StoreEvent<T>) => void): Watch;
  watch(kind: undefined, options: WatchOptions, listener: (event: StoreEvent) => void): Watch;
  /** Version of the newest state seen. */
  readonly resourceVersion: string;
  /** Resolves when reads are not older than any write that was acknowledged before the call, by whichever process. Throws `store-unavailable`, `outcome-unknown`. */
  catchUp(): Promise<void>;
  /** Whether the mirror follows the store at this moment. */
  readonly connected: boolean;
  close(): Promise<void>;
}
