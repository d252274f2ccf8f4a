import type { MigrationStatus } from "@vfleet/shared";
import { isPostCopyMode } from "@vfleet/shared";
import { measured, withMark } from "./migration-measure.ts";
import type { MigrationAction, MigrationDecision, MigrationView } from "./migration-view.ts";
import { sinceStartMs, withoutExplanation, withoutMoment } from "./migration-view.ts";

/** A committed move whose source can't say that it has cleaned up counts as done after this. */
const cleanUpMaxMs = 30_000;
/** What a target says last can be lost; its reports say the same a little later. */
const lastWordMaxMs = 5_000;
/** A target that is not heard of after the commit may have been cut off for a moment. */
const targetLostMaxMs = 30_000;
/** A server that was lost is started again within this, or isn't. */
const fateMaxMs = 20_000;
/** A target that reports, but says nothing of the move and doesn't have the server running. */
const limboMaxMs = 120_000;

/**
 * A move after its commit: it can't be undone, and it ends within bounded time with what is true. The server is the
 * target's: it goes on there (`Succeeded`), or what ran of it is lost and its restart policy decides (`Failed`).
 */
export function stepCommitted(view: MigrationView): MigrationDecision {
  const status = measured(view);
  const actions: MigrationAction[] = view.session.told ? [] : [{ kind: "tell", outcome: "committed" }];
  const loss = lossOf(view, status);
  if (loss !== undefined) {
    const fate = fateOf(view);
    if (fate === undefined) return { status: { ...status, reason: "Lost", message: loss }, actions };
    const isFilling = isPostCopyMode(status.mode) && status.bothHostsNeeded !== false;
    const reason = isFilling ? "PostCopyLost" : "LostAfterCommit";
    return { status: ended(view, { ...status, phase: "Failed", reason, message: `${loss}; ${fate}` }), actions };
  }
  const targetDone = isTargetDone(view, status);
  if (targetDone && isSourceDone(view, status)) {
    // What was expected was an estimate; all of it is there now.
    const whole = status.movedBytes === undefined ? {} : { expectedBytes: status.movedBytes };
    return {
      status: withMark(ended(view, { ...withoutExplanation(status), ...whole, phase: "Succeeded" }), "done", view.now),
      actions,
    };
  }
  return { status: { ...status, ...waitsFor(status, targetDone) }, actions };
}

/** Done means that the server's own status says so too: who waits for the move can go on from there. */
function isTargetDone(view: MigrationView, status: MigrationStatus): boolean {
  const { target, server } = view;
  if (server === undefined) return true;
  const isShown = server.status?.nodeName === status.targetNode && server.status?.phase !== "Migrating";
  const phase = phaseThere(view);
  if (!isShown || phase === undefined) return false;
  if (target.progress?.phase === "done") return true;
  // Stopped on request, in the meantime.
  const isAsAsked = phase === "Running" || (phase === "Stopped" && server.spec.runStrategy === "Stopped");
  return isAsAsked && (target.progress === undefined || target.quietMs > lastWordMaxMs);
}

function isSourceDone(view: MigrationView, status: MigrationStatus): boolean {
  const { source } = view;
  if (source.progress?.phase === "done") return true;
  const holds = source.held !== undefined && source.held.epoch < newEpoch(status);
  if (source.progress === undefined && source.hasReported && !holds) return true;
  // What it still holds is released by its assignment, when it is heard of again.
  return (
    source.presence === "lost" || source.progress?.phase === "failed" || sinceCommitMs(view, status) > cleanUpMaxMs
  );
}

/** Why what ran of the server is lost; none: it isn't, as far as anyone says. */
function lossOf(view: MigrationView, status: MigrationStatus): string | undefined {
  const { target, server } = view;
  const node = `node "${status.targetNode ?? ""}"`;
  if (server === undefined) return undefined;
  if (target.progress?.phase === "failed")
    return `Lost after the commit: ${target.progress.error?.message ?? `${node} does not say why`}`;
  const phase = phaseThere(view);
  const isLimbo = Math.min(target.quietMs, sinceCommitMs(view, status)) > limboMaxMs && phase !== "Running";
  const limbo = isLimbo ? `${node} says nothing of it for ${limboMaxMs / 1000} s` : undefined;
  if (target.progress?.phase === "done") return limbo;
  if (target.presence === "lost")
    return sinceCommitMs(view, status) > targetLostMaxMs ? `${node} was not heard of after the commit` : undefined;
  const isQuiet = target.quietMs > lastWordMaxMs;
  // Its count begins at 0 on every host that it comes to.
  if (isQuiet && phase === "Running" && (target.held?.restarts ?? 0) > 0) return "Its processes ended after the commit";
  if (isQuiet && (phase === "Failed" || (phase === "Stopped" && server.spec.runStrategy === "Running")))
    return "Its processes ended after the commit";
  return limbo;
}

/** What became of a server that was lost; none: not decided yet. */
function fateOf(view: MigrationView): string | undefined {
  const { target } = view;
  const node = `node "${view.migration.status?.targetNode ?? ""}"`;
  if (target.presence === "lost") return `what became of the server is known when ${node} is heard of again`;
  const phase = phaseThere(view);
  if (phase === "Running") return `the server was started again on ${node}`;
  const isFinal = phase === "Failed" || phase === "Stopped" || target.quietMs > fateMaxMs;
  if (!isFinal) return undefined;
  if (phase === undefined) return `${node} does not have the server`;
  return `the server is ${phase} on ${node}${target.held?.message === undefined ? "" : `: ${target.held.message}`}`;
}

function waitsFor(status: MigrationStatus, targetDone: boolean): Pick<MigrationStatus, "reason" | "message"> {
  const { sourceNode = "", targetNode = "" } = status;
  if (targetDone) return { reason: "CleaningUp", message: `Waits for node "${sourceNode}" to clean up` };
  if (status.bothHostsNeeded === true) {
    const message = `Runs on node "${targetNode}"; both hosts are needed until the last page has arrived`;
    return { reason: "BothHostsNeeded", message };
  }
  return { reason: "Completing", message: `Waits for node "${targetNode}" to have everything in place` };
}

function ended(view: MigrationView, status: MigrationStatus): MigrationStatus {
  return {
    ...withoutMoment(status),
    ...(status.bothHostsNeeded === undefined ? {} : { bothHostsNeeded: false }),
    endedAt: view.now,
    totalMs: sinceStartMs(view),
  };
}

/** Phase that the target reports under the epoch which the commit gave it; none: it doesn't have it. */
function phaseThere({ target, migration }: MigrationView) {
  const { held } = target;
  return held !== undefined && held.epoch >= newEpoch(migration.status ?? {}) ? held.phase : undefined;
}

function newEpoch(status: MigrationStatus): number {
  return (status.epoch ?? 0) + 1;
}

function sinceCommitMs(view: MigrationView, status: MigrationStatus): number {
  const committed = status.timeline?.find((entry) => entry.side === "controller" && entry.step === "commit");
  return sinceStartMs(view) - (committed?.atMs ?? 0);
}
