import type { MigrationPhase, MigrationStatus } from "@vfleet/shared";
import { stepCommitted } from "./committed-step.ts";
import { measured, withMark } from "./migration-measure.ts";
import type { MigrationDecision, MigrationView } from "./migration-view.ts";
import { sinceStartMs, withoutExplanation, withoutMoment } from "./migration-view.ts";
import { moveWishes } from "./move-wishes.ts";

/** Keeps a Migration from vanishing between its start and its end: deleting it then means cancelling it. */
export const migrationFinalizer = "vfleet.dev/migration";

/** Nothing heard of a move for so long: it is given up. */
const silenceMaxMs = 60_000;
/** Beyond the source's own limit, which ends before this. */
const timeoutGraceMs = 15_000;
const order: readonly MigrationPhase[] = ["Pending", "Preparing", "Syncing", "Freezing", "Committed"];

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

function reasonToEnd(view: MigrationView): string | undefined {
  const { migration, server, session, source, target } = view;
  const { sourceNode = "", targetNode = "" } = migration.status ?? {};
  if (isEndWanted(view)) return "cancelled";
  if (server?.metadata.deletionTimestamp !== undefined) return "the server is being deleted";
  if (server?.spec.runStrategy === "Stopped") return "the server is being stopped";
  if (session.state === "failed") return session.error ?? "the agents refused";
  for (const [node, side] of [
    [targetNode, target],
    [sourceNode, source],
  ] as const) {
    if (side.progress?.phase === "failed")
      return `${node}: ${side.progress.error?.message ?? "failed without saying why"}`;
    if (side.presence === "lost") return `node "${node}" was not heard of`;
  }
  if (server !== undefined) {
    const { timeoutMs, options } = moveWishes(server, migration.spec);
    if (sinceStartMs(view) > timeoutMs + timeoutGraceMs) return `not committed within ${timeoutMs / 1000} s`;
    if (session.state === "started" && session.stalledMs > options.progressTimeoutMs + timeoutGraceMs)
      return `nothing has moved for ${options.progressTimeoutMs / 1000} s`;
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
  const status = withoutMoment(measured(view));
  const hasBegun = status.startedAt !== undefined;
  return {
    status: { ...status, phase, ...why, endedAt: view.now, ...(hasBegun ? { totalMs: sinceStartMs(view) } : {}) },
    actions: hasBegun ? [{ kind: "tell", outcome: "aborted" }] : [],
  };
}

function isEndWanted(view: MigrationView): boolean {
  return view.migration.spec.cancel || view.migration.metadata.deletionTimestamp !== undefined;
}
