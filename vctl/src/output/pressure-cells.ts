import type { Pressure } from "@vfleet/shared";

/** Share of the last 10 s in which some task waited for it. */
export const pressureHeaders = ["CPU-PRESSURE", "MEMORY-PRESSURE", "IO-PRESSURE"];

/** What the kernel doesn't count is unknown, not 0. */
export function pressureCells(pressure: Pressure | undefined): string[] {
  return (["cpu", "memory", "io"] as const).map((resource) => {
    const stall = pressure?.[resource];
    return stall === undefined ? "<unknown>" : `${stall.some.avg10Percent.toFixed(1)}%`;
  });
}
