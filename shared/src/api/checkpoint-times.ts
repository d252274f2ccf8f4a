import { Cron } from "croner";

const secondMs = 1000;
/** What `crontab(5)` and Kubernetes take: numbers, names, lists, ranges and steps. */
const fiveFields = /^[0-9A-Za-z*,/-]+( +[0-9A-Za-z*,/-]+){4}$/;
const nicknames = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];

/** When checkpoints are due: by the clock of a place, or so far apart, counted from `createdMs`. */
export type CheckpointTimes = { schedule: string; timeZone: string } | { intervalSeconds: number; createdMs: number };

/** What is wrong with a schedule, and with which of its members. */
export function objectionToSchedule(
  schedule: string,
  timeZone: string,
): { member: "schedule" | "timeZone"; message: string } | undefined {
  if (!nicknames.includes(schedule) && !fiveFields.test(schedule))
    return {
      member: "schedule",
      message: 'must be five fields (minute, hour, day of the month, month, day of the week), such as "30 3 * * *"',
    };
  try {
    Intl.DateTimeFormat("en", { timeZone });
  } catch {
    return { member: "timeZone", message: 'must be the name of a time zone, such as "Europe/Berlin"' };
  }
  try {
    if (cron(schedule, timeZone).nextRun() !== null) return undefined;
  } catch (thrown) {
    return { member: "schedule", message: thrown instanceof Error ? thrown.message : String(thrown) };
  }
  return { member: "schedule", message: "names a day that never comes" };
}

/** The last time that has come by `nowMs`; none: there was none yet. */
export function lastTimeMs(times: CheckpointTimes, nowMs: number): number | undefined {
  if ("schedule" in times) {
    // What comes in the second that is asked for is among those before it, but not at its very beginning.
    const [last] = cron(times.schedule, times.timeZone).previousRuns(1, new Date(nowMs + 1));
    return last?.getTime();
  }
  const intervalMs = times.intervalSeconds * secondMs;
  const passed = Math.floor((nowMs - times.createdMs) / intervalMs);
  return passed < 1 ? undefined : times.createdMs + passed * intervalMs;
}

/** The first time after `nowMs`. */
export function nextTimeMs(times: CheckpointTimes, nowMs: number): number | undefined {
  if ("schedule" in times) return cron(times.schedule, times.timeZone).nextRun(new Date(nowMs))?.getTime();
  const intervalMs = times.intervalSeconds * secondMs;
  const passed = Math.max(0, Math.floor((nowMs - times.createdMs) / intervalMs));
  return times.createdMs + (passed + 1) * intervalMs;
}

function cron(schedule: string, timezone: string): Cron {
  return new Cron(schedule, { timezone, mode: "5-part", paused: true });
}
