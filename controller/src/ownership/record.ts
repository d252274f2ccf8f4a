/**
 * Which node may run a virtual server, and the move that may change that. Pure: every operation takes the record as it
 * was read and says what to write back at that same revision. Commit and abort of an operation both start from `begun`
 * and both write, so of two that read the same revision one loses, reads again, and finds the other's decision.
 */
export interface OwnershipRecord {
  uid: string;
  node: string;
  /** Only grows: 1 when first placed, one more with each committed move. */
  epoch: number;
  operation?: OwnershipOperation;
  /** Moves decided before `operation`, latest first, at most `earlierMax`: late repeats get the answer that was given. */
  earlier: EndedOperation[];
  /** Term of the node's lease in which it was last told that this is its own. */
  term?: string;
  /** The last time that it was taken from a host that was lost. */
  failover?: Failover;
}

export interface Failover {
  /** Of the operation, also of the restore that follows. */
  id: string;
  /** Host that was lost. */
  from: string;
  /** Under which it began anew. */
  epoch: number;
  /** Wall clock of the controller, RFC 3339. */
  at: string;
  /** uid of the Checkpoint it is restored from; none: it begins from its image. */
  checkpoint?: string;
  /** What is not as it was, in words. */
  lost: string;
}

export interface OwnershipOperation {
  /** uid of the Migration; of a failover, one of its own. */
  id: string;
  source: string;
  target: string;
  state: "begun" | "committed" | "aborted";
  /** Why it was aborted. */
  reason?: string;
}
type EndedOperation = Pick<OwnershipOperation, "id"> & { state: "committed" | "aborted" };

export const earlierMax = 16;

/** What an operation on a record comes to: a result, and what to write for it to be true (nothing: it already is). */
export interface Transition<R> {
  write?: OwnershipRecord;
  result: R;
}

export type CommitResult = { outcome: "committed" } | { outcome: "refused"; reason: string };
export type BeginResult = { outcome: "begun" | "committed" | "aborted" } | { outcome: "refused"; reason: string };
export type Outcome = "committed" | "aborted" | "undecided";

/** First placement. A record that stands is left as it is: the caller follows it. */
export function claim(
  record: OwnershipRecord | undefined,
  request: { uid: string; node: string },
): Transition<OwnershipRecord> {
  if (record !== undefined) return { result: record };
  const write: OwnershipRecord = { uid: request.uid, node: request.node, epoch: 1, earlier: [] };
  return { write, result: write };
}

/** Opens a move to `target`; the record's node stays the owner until the commit. */
export function begin(record: OwnershipRecord, request: { id: string; target: string }): Transition<BeginResult> {
  const known = stateOf(record, request.id);
  if (known !== undefined) return { result: { outcome: known } };
  if (record.operation?.state === "begun") {
    return { result: { outcome: "refused", reason: `operation "${record.operation.id}" is under way` } };
  }
  if (record.node === request.target) {
    return { result: { outcome: "refused", reason: `"${request.target}" owns it already` } };
  }
  const operation: OwnershipOperation = { id: request.id, source: record.node, target: request.target, state: "begun" };
  return { write: { ...record, operation, earlier: earlierOf(record) }, result: { outcome: "begun" } };
}

/** Hands the server to the operation's target under the next epoch. Only that target may ask, and only with that epoch. */
export function commit(
  record: OwnershipRecord | undefined,
  request: { id: string; node: string; epoch: number },
): Transition<CommitResult> {
  if (record === undefined) return { result: refused("its server is gone") };
  const operation = record.operation;
  if (operation?.id !== request.id) {
    // Decided long ago, or never begun. A commit that was won then is still won.
    const known = stateOf(record, request.id);
    return {
      result:
        known === "committed"
          ? { outcome: "committed" }
          : refused(known === "aborted" ? "it was aborted" : "it is not known"),
    };
  }
  if (operation.target !== request.node)
    return { result: refused(`"${operation.target}" is its target, not "${request.node}"`) };
  if (operation.state === "aborted") return { result: refused("it was aborted") };
  const epoch = operation.state === "committed" ? record.epoch : record.epoch + 1;
  if (request.epoch !== epoch) return { result: refused(`epoch ${epoch} is needed, got ${request.epoch}`) };
  if (operation.state === "committed") return { result: { outcome: "committed" } };
  return {
    write: { ...withoutTerm(record), node: operation.target, epoch, operation: { ...operation, state: "committed" } },
    result: { outcome: "committed" },
  };
}

/**
 * Ends an operation without a move, unless it was committed. One never begun is written down too: it can't begin afterwards. Those of a
 * server without a record can't either, and nobody has to run it.
 */
export function abort(
  record: OwnershipRecord | undefined,
  request: { id: string; reason: string },
): Transition<"committed" | "aborted"> {
  if (record === undefined) return { result: "aborted" };
  const known = stateOf(record, request.id);
  if (known === "committed" || known === "aborted") return { result: known };
  if (known === "begun" && record.operation !== undefined) {
    return {
      write: { ...record, operation: { ...record.operation, state: "aborted", reason: request.reason } },
      result: "aborted",
    };
  }
  const earlier = [{ id: request.id, state: "aborted" as const }, ...record.earlier].slice(0, earlierMax);
  return { write: { ...record, earlier }, result: "aborted" };
}

/**
 * Takes a server from a host that was lost, in one write: a move that is open is aborted by it, and one that was committed meanwhile makes
 * the record another than the one seen, which refuses this. Whether the host has ended the server is the caller's to know.
 */
export function takeOver(
  record: OwnershipRecord | undefined,
  request: {
    id: string;
    seen: { node: string; epoch: number; term?: string | undefined };
    target: string;
    failover: Omit<Failover, "id" | "epoch" | "from">;
  },
): Transition<CommitResult> {
  const { id, seen, target } = request;
  if (record === undefined) return { result: refused("its server is gone") };
  if (stateOf(record, id) === "committed") return { result: { outcome: "committed" } };
  if (record.node !== seen.node || record.epoch !== seen.epoch)
    return { result: refused(`"${record.node}" owns it under epoch ${record.epoch}`) };
  if (record.term !== seen.term) return { result: refused(`"${record.node}" was heard of since, and has a lease`) };
  if (target === record.node) return { result: refused(`"${target}" owns it already`) };
  const open = openOperation(record);
  const ended = earlierOf(record);
  const earlier = open === undefined ? ended : [{ id: open.id, state: "aborted" as const }, ...ended];
  const epoch = record.epoch + 1;
  const write: OwnershipRecord = {
    uid: record.uid,
    node: target,
    epoch,
    operation: { id, source: record.node, target, state: "committed" },
    earlier: earlier.slice(0, earlierMax),
    failover: { ...request.failover, id, from: record.node, epoch },
  };
  return { write, result: { outcome: "committed" } };
}

/**
 * A node has its lease again and is told what it owns. Written before it is: a takeover that was decided while it was silent, and is still on
 * its way, is too late then.
 */
export function renewTerm(
  record: OwnershipRecord | undefined,
  { node, term }: { node: string; term: string },
): Transition<void> {
  if (record?.node !== node || record.term === term) return { result: undefined };
  return { write: { ...record, term }, result: undefined };
}

/** What was decided, as far as this record knows. */
export function outcomeOf(record: OwnershipRecord, id: string): Outcome | undefined {
  const state = stateOf(record, id);
  return state === "begun" ? "undecided" : state;
}

/** Those that it remembers. */
export function operationsOf(record: OwnershipRecord | undefined): string[] {
  const { operation, earlier = [] } = record ?? {};
  return [...(operation === undefined ? [] : [operation.id]), ...earlier.map(({ id }) => id)];
}

/** A move of this server that is neither committed nor aborted. */
export function openOperation(record: OwnershipRecord | undefined): OwnershipOperation | undefined {
  return record?.operation?.state === "begun" ? record.operation : undefined;
}

function stateOf(record: OwnershipRecord, id: string): OwnershipOperation["state"] | undefined {
  if (record.operation?.id === id) return record.operation.state;
  return record.earlier.find((ended) => ended.id === id)?.state;
}

function withoutTerm({ term: _term, ...record }: OwnershipRecord): OwnershipRecord {
  return record;
}

function earlierOf(record: OwnershipRecord): EndedOperation[] {
  const operation = record.operation;
  if (operation === undefined || operation.state === "begun") return record.earlier;
  return [{ id: operation.id, state: operation.state }, ...record.earlier].slice(0, earlierMax);
}

function refused(reason: string): CommitResult {
  return { outcome: "refused", reason };
}
