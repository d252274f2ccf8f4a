import type { Condition, ServerReport, VirtualServer, VirtualServerStatus, ServerPhase } from "@vfleet/shared";
import { withCondition } from "@vfleet/shared";
import type { Presence } from "../../fleet/presence.ts";
import type { OwnershipRecord } from "../../ownership/record.ts";
import { openOperation } from "../../ownership/record.ts";

/** Held until no node holds anything of the server any more. */
export const releaseFinalizer = "vfleet.dev/release";

/** Everything that decides what to do with a server. */
export interface ServerView {
  server: VirtualServer;
  owner: OwnershipRecord | undefined;
  /** Of the owner, or of the node it is bound to while nobody owns it. */
  node: { presence: Presence; exists: boolean };
  /** The owner's word on it; what other nodes say is not listened to. */
  report: ServerReport | undefined;
  /** Nodes that still hold something of it. */
  holders: readonly string[];
  /** The owner has applied an assignment that no longer has the server. */
  isReleaseApplied: boolean;
  /** Name of the Migration under way. */
  migration: string | undefined;
  /** The record's open operation is of a Migration that doesn't exist. */
  isOperationOrphaned: boolean;
  /** Its node is lost, and why it stays there. */
  failoverNote?: string | undefined;
  now: string;
}

export type ServerAction =
  | { kind: "add-finalizer" }
  | { kind: "place" }
  | { kind: "claim"; node: string }
  | { kind: "abort-orphan"; operation: string }
  /** Forget who owned it, and let the object go. */
  | { kind: "finalize" };

export interface ServerDecision {
  status?: VirtualServerStatus;
  actions: ServerAction[];
}

/** What a server's status should say and what is to be done next. */
export function serverStep(view: ServerView): ServerDecision {
  const { server, owner } = view;
  const operation = owner?.operation;
  if (view.isOperationOrphaned && operation !== undefined) {
    return { actions: [{ kind: "abort-orphan", operation: operation.id }] };
  }
  if (server.metadata.deletionTimestamp !== undefined) return deletion(view);
  if (server.metadata.finalizers?.includes(releaseFinalizer) !== true) return { actions: [{ kind: "add-finalizer" }] };
  if (owner !== undefined) return { status: boundStatus(view, owner), actions: [] };
  if (server.status?.nodeName !== undefined) return { actions: [{ kind: "claim", node: server.status.nodeName }] };
  if (server.spec.runStrategy !== "Running") {
    return {
      status: withReady({ ...server.status, phase: "Stopped" }, view, { status: "False", reason: "Stopped" }),
      actions: [],
    };
  }
  return { actions: [{ kind: "place" }] };
}

function deletion(view: ServerView): ServerDecision {
  const { server, owner } = view;
  if (server.metadata.finalizers?.includes(releaseFinalizer) !== true) return { actions: [] };
  const isGone = owner === undefined || !view.node.exists || (view.isReleaseApplied && view.report === undefined);
  if (isGone && view.holders.length === 0) return { actions: [{ kind: "finalize" }] };
  const waitsFor = [...new Set([...view.holders, ...(isGone || owner === undefined ? [] : [owner.node])])];
  const message = `Waits for ${waitsFor.map((node) => `node "${node}"`).join(", ")} to release it`;
  const { migration: _migration, ...status } = server.status ?? {};
  return {
    status: withReady({ ...status, phase: "Stopping", reason: "Deleting", message }, view, {
      status: "False",
      reason: "Deleting",
    }),
    actions: [],
  };
}

function boundStatus(view: ServerView, owner: OwnershipRecord): VirtualServerStatus {
  const { server, node, migration, now } = view;
  const {
    reason: _reason,
    message: _message,
    migration: _migration,
    exitCode: _exitCode,
    failover: _failover,
    ...kept
  } = server.status ?? {};
  const base: VirtualServerStatus = {
    ...kept,
    nodeName: owner.node,
    epoch: owner.epoch,
    ...withFailover(failoverStatus(view, owner)),
    ...(migration === undefined ? {} : { migration }),
    conditions: withCondition(conditionsOf(view, owner), { type: "Scheduled", status: "True", reason: "Placed" }, now),
  };
  // A controller that has just started knows nothing newer than what is written.
  if (node.presence === "unheard") return { ...base, ...explanationOf(server) };
  if (node.presence === "lost") {
    const standing = view.failoverNote ?? "the server may be running on it";
    const message = `Node "${owner.node}" was not heard of; ${standing}`;
    return withReady({ ...base, phase: "Unknown", reason: "NodeNotReady", message }, view, {
      status: "Unknown",
      reason: "NodeNotReady",
    });
  }
  // Only the owner's word, under the present epoch, counts.
  const report = view.report?.epoch === owner.epoch ? view.report : undefined;
  if (report === undefined) {
    const phase =
      migration === undefined ? (server.spec.runStrategy === "Running" ? "Starting" : "Stopping") : "Migrating";
    return withReady({ ...base, phase }, view, { status: phase === "Migrating" ? "True" : "False", reason: phase });
  }
  // Once committed it runs where it is owned, though the former host may still be cleaning up.
  const phase = shownPhase(view, owner, report.phase);
  const isUp = phase === "Running" || phase === "Migrating";
  return withReady(
    {
      ...base,
      conditions: withMigratable(base.conditions, { isUp, migratable: report.migratable, now }),
      phase,
      restarts: report.restarts,
      observedGeneration: report.observedGeneration,
      ...(report.reason === undefined ? {} : { reason: report.reason }),
      ...(report.message === undefined ? {} : { message: report.message }),
      ...(report.exitCode === undefined ? {} : { exitCode: report.exitCode }),
      ...(report.startedAtMs === undefined ? {} : { startedAt: new Date(report.startedAtMs).toISOString() }),
    },
    view,
    { status: isUp ? "True" : "False", reason: phase },
  );
}

function shownPhase({ server }: ServerView, owner: OwnershipRecord, told: ServerPhase): ServerPhase {
  if (openOperation(owner) !== undefined && told === "Running") return "Migrating";
  const isSuspended = server.spec.runStrategy === "Suspended" && server.status?.suspended !== undefined;
  return isSuspended && told === "Stopped" ? "Suspended" : told;
}

/**
 * What could not be dumped did not come by a live move, nor outlives a restart: after either, what was seen is of tasks that are gone.
 */
function conditionsOf({ server, report }: ServerView, owner: OwnershipRecord): Condition[] {
  const { epoch, startedAt, conditions = [] } = server.status ?? {};
  const startedAtMs = report?.epoch === owner.epoch ? report.startedAtMs : undefined;
  const isRestarted =
    startedAtMs !== undefined && startedAt !== undefined && new Date(startedAtMs).toISOString() !== startedAt;
  const isOfOthers = epoch !== owner.epoch || isRestarted;
  return conditions.filter(({ type, status }) => type !== "Migratable" || status !== "False" || !isOfOthers);
}

/** Whether its node ends it with its lease, and the last time that it was taken over. */
function failoverStatus(
  { server, report }: Pick<ServerView, "server" | "report">,
  owner: OwnershipRecord,
): VirtualServerStatus["failover"] {
  const before = server.status?.failover;
  const isWanted = server.spec.availability.onNodeLoss !== "Wait";
  // Said of the present spec: what was said of an earlier one may be undone by what is on its way.
  const isSaid =
    report?.epoch === owner.epoch &&
    report.endsWithLease === true &&
    report.observedGeneration === server.metadata.generation;
  const isArmed = isWanted && (isSaid || before?.armedEpoch === owner.epoch);
  const { failover } = owner;
  const restoredEpoch = before?.restoredEpoch;
  return {
    ...(isArmed ? { armedEpoch: owner.epoch } : {}),
    ...(failover === undefined ? {} : failover),
    ...(restoredEpoch === undefined ? {} : { restoredEpoch }),
  };
}

function withFailover(failover: VirtualServerStatus["failover"]): Pick<VirtualServerStatus, "failover"> {
  return failover === undefined || Object.keys(failover).length === 0 ? {} : { failover };
}

/** What was seen last holds until it is looked at again; of what doesn't run there is nothing to see. */
function withMigratable(
  conditions: readonly Condition[] | undefined,
  { isUp, migratable, now }: { isUp: boolean; migratable: ServerReport["migratable"]; now: string },
): Condition[] {
  const before = conditions ?? [];
  if (!isUp) return before.filter(({ type }) => type !== "Migratable");
  if (migratable === undefined) return [...before];
  const [first] = migratable.reasons;
  const seen: Condition = migratable.ok
    ? { type: "Migratable", status: "True", reason: "NothingFound" }
    : {
        type: "Migratable",
        status: "False",
        reason: first?.reason ?? "NotMigratable",
        message: migratable.reasons.map(({ message }) => message).join("; "),
      };
  return withCondition([...before], seen, now);
}

function explanationOf(server: VirtualServer): Pick<VirtualServerStatus, "reason" | "message" | "exitCode"> {
  const { reason, message, exitCode } = server.status ?? {};
  return {
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message }),
    ...(exitCode === undefined ? {} : { exitCode }),
  };
}

function withReady(
  status: VirtualServerStatus,
  view: ServerView,
  ready: Pick<Condition, "status" | "reason">,
): VirtualServerStatus {
  return { ...status, conditions: withCondition(status.conditions, { type: "Ready", ...ready }, view.now) };
}
