import type { ServerPhase } from "@vfleet/shared";
import type { ContainerState } from "../engine/runtime/runtime-driver.ts";
import type { ServerRecord } from "./server-record.ts";

/** All that a decision about one server depends on. */
export interface ServerSituation {
  record: ServerRecord;
  container: ContainerState;
  hasVolume: boolean;
  hasImage: boolean;
  /** A migration session is at work on it. */
  isMigrating: boolean;
  bootId: string;
  /** Of the host's lease; none while it is not held. */
  term: string | undefined;
  /** Not to be started before; monotonic. */
  retryAtMs: number;
  /** Why the last try failed. */
  failure: string | undefined;
  /** Its limits changed since it was started or last adjusted. */
  areLimitsStale: boolean;
}

export type ServerAction =
  | { do: "nothing" }
  /** Look again then, at the latest. */
  | { do: "wait"; untilMs: number }
  | { do: "start" }
  | { do: "stop" }
  /** Its command ended: note how, and remove the container. */
  | { do: "note-exit"; exitCode: number | undefined }
  /** A container that was made and never started: of a crash in between. */
  | { do: "clear" }
  | { do: "adjust-limits" }
  /** Stop, and delete the volume too. */
  | { do: "delete" };

export interface ServerDecision {
  action: ServerAction;
  phase: ServerPhase;
  reason?: string;
  message?: string;
}

const nothing: ServerAction = { do: "nothing" };
const awaiting: ServerDecision = {
  action: nothing,
  phase: "Pending",
  reason: "AwaitingRestore",
  message: "It begins as its checkpoint",
};

/** What to do next about one server: level-triggered, one action at a time. */
export function stepServer(situation: ServerSituation, nowMs: number): ServerDecision {
  const { record, container, isMigrating } = situation;
  if (isMigrating || record.heldBy !== undefined) return { action: nothing, phase: "Migrating" };
  if (record.restoring !== undefined) return { action: nothing, phase: "Starting", reason: "Restoring" };
  const { assignment } = record;
  if (assignment === undefined) {
    const isGone = container.state === "none" && !situation.hasVolume && record.leaving === undefined;
    return { action: isGone ? nothing : { do: "delete" }, phase: "Stopping", reason: "Released" };
  }
  // A stop that may not have ended: what is left of it goes first, and then it is as if never started.
  if (record.isStoppedToMove === true)
    return { action: { do: "stop" }, phase: assignment.run ? "Starting" : "Stopping" };
  if (assignment.run && record.isSuspended === true) return stepSuspended(situation);
  return assignment.run ? stepRunning(situation, nowMs) : stepStopped(situation);
}

/** Its tasks are dead or about to be, whatever its restart policy. */
function stepSuspended({ container, record }: ServerSituation): ServerDecision {
  if (container.state !== "none") return { action: { do: "clear" }, phase: "Stopping", reason: "Suspended" };
  if (record.assignment?.awaitsRestore === true) return awaiting;
  return { action: nothing, phase: "Stopped", reason: "Suspended" };
}

function stepStopped({ container, record }: ServerSituation): ServerDecision {
  if (container.state === "exited")
    return { action: { do: "note-exit", exitCode: container.exitCode }, phase: "Stopping" };
  if (container.state !== "none") return { action: { do: "stop" }, phase: "Stopping" };
  const isForgotten = record.ended === undefined && record.startedAtMs === undefined;
  return { action: isForgotten ? nothing : { do: "clear" }, phase: "Stopped" };
}

function stepRunning(situation: ServerSituation, nowMs: number): ServerDecision {
  const { container } = situation;
  if (container.state === "none") return stepAbsent(situation, nowMs);
  if (container.state === "created") return { action: { do: "clear" }, phase: "Starting" };
  if (container.state === "exited") {
    return { action: { do: "note-exit", exitCode: container.exitCode }, phase: "Starting", reason: "Exited" };
  }
  return { action: situation.areLimitsStale ? { do: "adjust-limits" } : nothing, phase: "Running" };
}

/** Nothing that ends with the lease is started without one, nor on what the controller said before it ran out. */
export function isLeaseMissing({ assignment, confirmedTerm }: ServerRecord, term: string | undefined): boolean {
  return assignment?.endsWithLease === true && (term === undefined || confirmedTerm !== term);
}

function stepAbsent(
  { record, hasVolume, hasImage, bootId, term, retryAtMs, failure }: ServerSituation,
  nowMs: number,
): ServerDecision {
  if (record.ended !== undefined) {
    const { exitCode } = record.ended;
    if (exitCode === 0) return { action: nothing, phase: "Stopped", reason: "Completed" };
    return {
      action: nothing,
      phase: "Failed",
      reason: "Exited",
      message: exitCode === undefined ? "Its host went down" : `Its command ended with ${exitCode}`,
    };
  }
  if (record.confirmedBoot !== bootId) {
    return {
      action: nothing,
      phase: "Pending",
      reason: "AwaitingController",
      message: "Its host was started again; the controller has not confirmed yet that it belongs here",
    };
  }
  if (isLeaseMissing(record, term)) {
    return {
      action: nothing,
      phase: "Pending",
      reason: "AwaitingLease",
      message: "Its host's lease ran out; the controller has not confirmed since that it belongs here",
    };
  }
  // It was running and is gone without a trace: a power cut.
  if (record.startedAtMs !== undefined && record.assignment?.restartPolicy === "Never") {
    return { action: { do: "note-exit", exitCode: undefined }, phase: "Starting" };
  }
  if (record.assignment?.awaitsRestore === true && record.startedAtMs === undefined) {
    return awaiting;
  }
  if (nowMs < retryAtMs) {
    return {
      action: { do: "wait", untilMs: retryAtMs },
      phase: "Pending",
      reason: "BackOff",
      ...(failure === undefined ? {} : { message: failure }),
    };
  }
  if (!hasVolume && !hasImage) {
    return {
      action: nothing,
      phase: "Pending",
      reason: "ImageMissing",
      message: `Its image "${record.assignment?.image.name ?? ""}" is not on this node yet`,
    };
  }
  return { action: { do: "start" }, phase: "Starting" };
}
