import type { Migration, MigrationPhase, MigrationProgress, MigrationStatus, VirtualServer } from "@vfleet/shared";
import { parseBytes } from "@vfleet/shared";
import type { Presence } from "../../fleet/presence.ts";
import type { OwnershipOperation } from "../../ownership/record.ts";
import type { Mark } from "./migration-measure.ts";
import { measured, withMark } from "./migration-measure.ts";

/** Keeps a Migration from vanishing between its start and its end: deleting it then means cancelling it. */
export const migrationFinalizer = "vfleet.dev/migration";

export interface SideView {
  presence: Presence;
  progress: MigrationProgress | undefined;
  /** Epoch under which its node reports the server as held; none: it reports without it, or hasn't reported. */
  heldEpoch: number | undefined;
  /** It reports the server as running under that epoch. */
  isRunning: boolean;
  hasReported: boolean;
}

export interface MigrationView {
  migration: Migration;
  server: VirtualServer | undefined;
  /** What the ownership record says of this operation; none: nothing yet. */
  operation: Pick<OwnershipOperation, "state" | "reason"> | undefined;
  source: SideView;
  target: SideView;
  session: {
    /** `started`: the source accepted the command to go. */
    state: "idle" | "commanding" | "started" | "failed";
    error: string | undefined;
    /** Since either side said something, or the session began to be watched. */
    silentMs: number;
    marks: readonly Mark[];
    /** The agents know the outcome, as far as they answer. */
    told: boolean;
  };
  /** This controller has just started: what is under way will be heard of by itself. */
  isSettling: boolean;
  now: string;
}

export type MigrationAction =
  | { kind: "admit" }
  | { kind: "begin" }
  /** Has the target prepared, then the source started. Both may be repeated. */
  | { kind: "command" }
  | { kind: "abort"; reason: string }
  | { kind: "tell"; outcome: "committed" | "aborted" }
  | { kind: "let-go" };

export interface MigrationDecision {
  status?: MigrationStatus;
  actions: MigrationAction[];
}

/** Nothing heard of a move for so long: it is given up. */
const silenceMaxMs = 60_000;
/** Beyond the source's own limit, which ends before this. */
const timeoutGraceMs = 15_000;
/** A committed move whose source can't say that it has cleaned up counts as done after this. */
const cleanUpMaxMs = 30_000;

const order: readonly MigrationPhase[] = ["Pending", "Preparing", "Syncing", "Freezing", "Committed"];

/** The whole move may take this long, from the start at the source to the commit. */
export function moveTimeoutMs(server: VirtualServer): number {
  const gibibytes = Math.max(1, parseBytes(server.spec.resources.limits.memory) / 2 ** 30);
  return Math.ceil(gibibytes * server.spec.migration.completionTimeoutPerGiBSeconds) * 1000;
}

/** What a move's status should say and what is to be done next. Aborting is always safe: it competes with the commit. */
export function migrationStep(view: MigrationView): MigrationDecision {
  switch (view.migration.status?.phase ?? "Pending") {
    case "Pending":
      return isEndWanted(view)
        ? end(view, "Cancelled", { reason: "Cancelled", message: "cancelled before it began" })
        : { actions: [{ kind: "admit" }] };
    case "Preparing":
    case "Syncing":
    case "Freezing":
      return stepOpen(view);
    case "Committed":
      return stepCommitted(view);
    case "Succeeded":
    case "Failed":
    case "Cancelled":
      break;
  }
  const isKept = view.migration.metadata.finalizers?.includes(migrationFinalizer) === true;
  return { actions: isKept ? [{ kind: "let-go" }] : [] };
}

function stepOpen(view: MigrationView): MigrationDecision {
  const status = measured(view);
  switch (view.operation?.state) {
    case "committed":
      return {
        status: withMark({ ...withoutExplanation(status), phase: "Committed" }, "commit", view.now),
        actions: [{ kind: "tell", outcome: "committed" }],
      };
    case "aborted": {
      const message = view.operation.reason ?? "aborted";
      return isEndWanted(view)
        ? end(view, "Cancelled", { reason: "Cancelled", message })
        : end(view, "Failed", { reason: "Aborted", message });
    }
    case "begun": {
      const reason = reasonToEnd(view);
      if (reason !== undefined) return { status, actions: [{ kind: "abort", reason }] };
      const mustCommand = view.session.state === "idle" && status.phase === "Preparing" && !view.isSettling;
      return {
        status: { ...status, phase: phaseSeen(view, status) },
        actions: mustCommand ? [{ kind: "command" }] : [],
      };
    }
    case undefined:
      return stepUnbegun(view);
  }
  return { actions: [] };
}

function stepUnbegun(view: MigrationView): MigrationDecision {
  if (view.server === undefined) {
    return end(view, "Failed", { reason: "ServerNotFound", message: "the server is gone" });
  }
  return { actions: [isEndWanted(view) ? { kind: "abort", reason: "cancelled" } : { kind: "begin" }] };
}

function stepCommitted(view: MigrationView): MigrationDecision {
  const { source, target, session } = view;
  const status = measured(view);
  const newEpoch = (status.epoch ?? 0) + 1;
  const sinceCommitMs =
    sinceStartMs(view) -
    (status.timeline?.find((entry) => entry.side === "controller" && entry.step === "commit")?.atMs ?? 0);
  // Done means that the server's own status says so too: who waits for the move can go on from there.
  const isReported = target.heldEpoch !== undefined && target.heldEpoch >= newEpoch;
  const isShown =
    view.server === undefined ||
    (view.server.status?.nodeName === status.targetNode && view.server.status?.phase !== "Migrating");
  const isRunning = isReported && target.isRunning;
  const isSilent = target.progress === undefined || target.progress.phase === "failed";
  const targetDone = isSilent ? isRunning && isShown : target.progress?.phase === "done" && isReported && isShown;
  const sourceHolds = source.heldEpoch !== undefined && source.heldEpoch < newEpoch;
  const sourceDone =
    source.progress?.phase === "done" ||
    (source.progress === undefined && source.hasReported && !sourceHolds) ||
    // What it still holds is released by its assignment, when it is heard of again.
    ((source.presence === "lost" || sinceCommitMs > cleanUpMaxMs) && isRunning);
  const actions: MigrationAction[] = session.told ? [] : [{ kind: "tell", outcome: "committed" }];
  if (targetDone && sourceDone) {
    // What was expected was an estimate; all of it is there now.
    const whole = status.movedBytes === undefined ? {} : { expectedBytes: status.movedBytes };
    const end = { phase: "Succeeded" as const, endedAt: view.now, totalMs: sinceStartMs(view) };
    const ended = withMark({ ...withoutExplanation(status), ...whole, ...end }, "done", view.now);
    return { status: ended, actions };
  }
  const message = !targetDone
    ? (target.progress?.error?.message ?? `Waits for node "${status.targetNode ?? ""}" to have everything in place`)
    : `Waits for node "${status.sourceNode ?? ""}" to clean up`;
  return { status: { ...status, reason: targetDone ? "CleaningUp" : "Completing", message }, actions };
}

function reasonToEnd(view: MigrationView): string | undefined {
  const { migration, server, session, source, target } = view;
  const { sourceNode = "", targetNode = "" } = migration.status ?? {};
  if (isEndWanted(view)) return "cancelled";
  if (server?.metadata.deletionTimestamp !== undefined) return "the server is being deleted";
  if (session.state === "failed") return session.error ?? "the agents refused";
  for (const [node, side] of [
    [targetNode, target],
    [sourceNode, source],
  ] as const) {
    if (side.progress?.phase === "failed")
      return `${node}: ${side.progress.error?.message ?? "failed without saying why"}`;
    if (side.presence === "lost") return `node "${node}" was not heard of`;
  }
  if (server !== undefined && sinceStartMs(view) > moveTimeoutMs(server) + timeoutGraceMs) {
    return `not committed within ${moveTimeoutMs(server) / 1000} s`;
  }
  if (session.state !== "commanding" && session.silentMs > silenceMaxMs)
    return `nothing was heard of it for ${silenceMaxMs / 1000} s`;
  return undefined;
}

/** Forward only: messages of two hosts arrive in any order. */
function phaseSeen(view: MigrationView, status: MigrationStatus): MigrationPhase {
  const { source, target, session } = view;
  const isFrozen =
    source.progress?.phase === "frozen" ||
    target.progress?.phase === "restoring" ||
    target.progress?.phase === "committed";
  const isStarted = session.state === "started" || source.progress !== undefined;
  const seen: MigrationPhase = isFrozen ? "Freezing" : isStarted ? "Syncing" : "Preparing";
  const before = status.phase ?? "Preparing";
  return order.indexOf(seen) > order.indexOf(before) ? seen : before;
}

function end(
  view: MigrationView,
  phase: "Failed" | "Cancelled",
  why: { reason: string; message: string },
): MigrationDecision {
  const status = measured(view);
  const hasBegun = status.startedAt !== undefined;
  return {
    status: { ...status, phase, ...why, endedAt: view.now, ...(hasBegun ? { totalMs: sinceStartMs(view) } : {}) },
    actions: hasBegun ? [{ kind: "tell", outcome: "aborted" }] : [],
  };
}

function isEndWanted(view: MigrationView): boolean {
  return view.migration.spec.cancel || view.migration.metadata.deletionTimestamp !== undefined;
}

function withoutExplanation(status: MigrationStatus): MigrationStatus {
  const { reason: _reason, message: _message, ...rest } = status;
  return rest;
}

function sinceStartMs(view: MigrationView): number {
  return Math.max(0, Date.parse(view.now) - Date.parse(view.migration.status?.startedAt ?? view.now));
}
