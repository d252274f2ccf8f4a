import { readFileSync } from "node:fs";

/** Milliseconds since the boot, also those in which the host slept (CLOCK_BOOTTIME, proc_uptime(5)): a lease runs on meanwhile. */
export function bootClockMs(): number {
  return Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 1000;
}
