import type { Checkpoint, CheckpointSchedule, CheckpointScheduleStatus, CheckpointTimes } from "@vfleet/shared";
import { lastTimeMs, nextTimeMs } from "@vfleet/shared";
import { expiredCheckpoints, isUnfinished } from "./checkpoint-retention.ts";

/** A clock that is set back by more repeats times, rather than waiting for them to pass once more. */
const setBackMs = 60_000;
/** Timers don't see a clock that is set. */
const lookMostMs = 30_000;
const lookLeastMs = 20;
/** A controller that has just started hears of its hosts within seconds. */
const unheardMs = 1000;

export interface ScheduleView {
  schedule: CheckpointSchedule;
  /** Those it is for, by name. */
  servers: readonly { name: string; uid: string; isRunning: boolean; isHeardOf: boolean }[];
  /** All of its namespace. */
  checkpoints: readonly Checkpoint[];
  /** Names of checkpoints that a restore is using or waits for. */
  restoring: ReadonlySet<string>;
  nowMs: number;
}

export interface ScheduleStep {
  status: CheckpointScheduleStatus;
  /** By names that follow from the time: making one again changes nothing. */
  create: { name: string; server: string }[];
  /** Names. */
  remove: string[];
  events: { type: "Normal" | "Warning"; reason: string; message: string }[];
  lookAgainMs: number;
}

/** What is due of a schedule now. Nothing is due twice once its status is written; of several times that were missed the last one is. */
export function scheduleStep(view: ScheduleView): ScheduleStep {
  const { schedule, servers, checkpoints, restoring, nowMs } = view;
  const { spec, status = {} } = schedule;
  const times = timesOf(schedule);
  const owned = checkpoints.filter((checkpoint) => isOwned(checkpoint, schedule));
  const handledMs = Date.parse(status.lastScheduleTime ?? schedule.metadata.creationTimestamp ?? "");
  const isSetBack = handledMs - nowMs > setBackMs;
  const sinceMs = isSetBack ? nowMs : handledMs;
  const dueMs = spec.suspend ? undefined : lastTimeMs(times, nowMs);
  const isDue = dueMs !== undefined && dueMs > sinceMs;
  const isKnown = servers.every(({ isHeardOf }) => isHeardOf);
  const turn = isDue && isKnown ? turnAt(view, dueMs) : undefined;
  const nextMs = spec.suspend ? undefined : nextTimeMs(times, nowMs);
  const ready = owned.filter((checkpoint) => checkpoint.status?.phase === "Ready");
  const lastScheduleTime = turn === undefined ? (isSetBack ? timeOf(nowMs) : status.lastScheduleTime) : timeOf(dueMs);
  const shown = {
    lastScheduleTime,
    nextScheduleTime: timeOf(nextMs),
    lastSuccessfulTime: newestOf(ready) ?? status.lastSuccessfulTime,
    message: turn === undefined ? status.message : turn.message,
  };
  return {
    status: {
      ...Object.fromEntries(Object.entries(shown).filter(([, value]) => value !== undefined)),
      servers: servers.length,
      active: owned.filter(isUnfinished).length + (turn?.create.length ?? 0),
      ready: ready.length,
    },
    create: turn?.create ?? [],
    remove: expiredCheckpoints({
      owned,
      retention: spec.retention,
      serverUids: new Set(servers.map(({ uid }) => uid)),
      inUse: restoring,
      nowMs,
    }),
    events: turn?.events ?? [],
    lookAgainMs: isKnown ? Math.max(lookLeastMs, Math.min(lookMostMs, (nextMs ?? Infinity) - nowMs)) : unheardMs,
  };
}

type Turn = Pick<ScheduleStep, "create" | "events"> & { message: string | undefined };

function turnAt({ schedule, servers, checkpoints, nowMs }: ScheduleView, dueMs: number): Turn {
  const { spec, metadata } = schedule;
  const deadlineMs = (spec.startingDeadlineSeconds ?? Infinity) * 1000;
  if (nowMs - dueMs > deadlineMs) return skipped("Missed", `${timeOf(dueMs)} was missed by too much to be made up`);
  if (servers.length === 0)
    return skipped(
      "NoServer",
      spec.server === undefined ? "No server is selected" : `There is no server "${spec.server}"`,
    );
  const reasons: string[] = [];
  const create: Turn["create"] = [];
  for (const { name, isRunning } of servers) {
    const other = checkpoints.find((checkpoint) => checkpoint.spec.server === name && isUnfinished(checkpoint));
    if (!isRunning) reasons.push(`"${name}" does not run`);
    else if (other !== undefined) reasons.push(`"${name}" still has checkpoint "${other.metadata.name}" at work`);
    else create.push({ name: `${metadata.name}-${name}-${Math.floor(dueMs / 1000).toString(36)}`, server: name });
  }
  const message = reasons.length === 0 ? undefined : `Left out at ${timeOf(dueMs)}: ${reasons.join(", ")}`;
  const events: Turn["events"] = create.map(({ name, server }) => ({
    type: "Normal",
    reason: "SuccessfulCreate",
    message: `Checkpoint ${name} of ${server}`,
  }));
  if (message !== undefined) events.push({ type: "Warning", reason: "LeftOut", message });
  return { create, events, message };
}

function skipped(reason: string, message: string): Turn {
  return { create: [], events: [{ type: "Warning", reason, message }], message };
}

function timesOf({ spec, metadata }: CheckpointSchedule): CheckpointTimes {
  const { schedule, timeZone = "UTC", intervalSeconds = 0 } = spec;
  if (schedule !== undefined) return { schedule, timeZone };
  return { intervalSeconds, createdMs: Date.parse(metadata.creationTimestamp ?? "") };
}

function isOwned({ metadata }: Checkpoint, schedule: CheckpointSchedule): boolean {
  return metadata.ownerReferences?.some(({ uid }) => uid === schedule.metadata.uid) === true;
}

function newestOf(checkpoints: readonly Checkpoint[]): string | undefined {
  const times = checkpoints.map(({ metadata }) => metadata.creationTimestamp ?? "");
  return times.toSorted((a, b) => Date.parse(a) - Date.parse(b)).at(-1);
}

function timeOf(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString();
}
