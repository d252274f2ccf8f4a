import { readFileSync } from "node:fs";

export interface ProcessUsage {
  cpuSeconds: number;
  residentBytes: number;
}

const ticksPerSecond = 100;
const pageBytes = 4096;

/** Of a process since it started, all of its threads (proc(5), `stat`). */
export function usageOf(pid: number): ProcessUsage {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return {
    cpuSeconds: (Number(stat[11]) + Number(stat[12])) / ticksPerSecond,
    residentBytes: Number(stat[21]) * pageBytes,
  };
}

/** Processors that each had in use on average between two looks. */
export function coresBetween(
  before: Readonly<Record<string, ProcessUsage>>,
  after: Readonly<Record<string, ProcessUsage>>,
  seconds: number,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(after).map(([name, { cpuSeconds }]) => [
      name,
      Math.round((100 * (cpuSeconds - (before[name]?.cpuSeconds ?? 0))) / seconds) / 100,
    ]),
  );
}
