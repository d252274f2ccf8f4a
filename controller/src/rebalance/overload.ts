import type { RebalanceResource, RebalanceSpec } from "@vfleet/shared";
import type { NodeLoad } from "./node-load.ts";

export interface Overload {
  resource: RebalanceResource;
  /** What was read by what it may be: the worse, the more above 1. */
  severity: number;
  message: string;
}

/** Pressure on a node that is used less than that comes from servers' own limits: a move doesn't help. */
const leastUsePercent = 50;

/** The worst of what is above a threshold; none: the node is well. */
export function overloadOf(node: NodeLoad, { thresholds }: Pick<RebalanceSpec, "thresholds">): Overload | undefined {
  const { pressurePercent: pressure, usePercent: use, cpuContentionPercent: contention } = node;
  const found: Overload[] = [];
  const compare = (resource: RebalanceResource, what: string, reading: number, threshold: number) => {
    if (reading < threshold) return;
    const message = `${what} ${Math.round(reading)} %, threshold ${threshold} %`;
    found.push({ resource, severity: reading / threshold, message });
  };
  if (contention === undefined) compare("cpu", "CPU use", use.cpu, thresholds.cpuUsePercent);
  else if (use.cpu >= leastUsePercent) compare("cpu", "CPU pressure", contention, thresholds.cpuPressurePercent);
  if (pressure.memory !== undefined && use.memory >= leastUsePercent)
    compare("memory", "memory pressure", pressure.memory, thresholds.memoryPressurePercent);
  compare("memory", "memory use", use.memory, thresholds.memoryUsePercent);
  if (pressure.io !== undefined) compare("io", "I/O pressure", pressure.io, thresholds.ioPressurePercent);
  return found.toSorted((a, b) => b.severity - a.severity)[0];
}

/** Something waits on it already, whatever it says that it has: nothing more belongs there. */
export function isPressed(node: NodeLoad, { thresholds }: Pick<RebalanceSpec, "thresholds">): boolean {
  const { cpuContentionPercent: cpu = 0, pressurePercent: pressure } = node;
  return (
    cpu >= thresholds.cpuPressurePercent ||
    (pressure.memory ?? 0) >= thresholds.memoryPressurePercent ||
    (pressure.io ?? 0) >= thresholds.ioPressurePercent
  );
}
