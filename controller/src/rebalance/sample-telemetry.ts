import type { NodeTelemetry } from "@vfleet/shared";

export const sampledAt = "2026-01-01T01:00:00.000Z";
const littleMemoryBytes = 20 * 2 ** 20;

export interface SampledUse {
  milliCpu?: number;
  memoryBytes?: number;
  pressure?: NodeTelemetry["host"]["pressure"];
}

/** A host of 4 CPUs and 8 GiB, whose use is that of its servers unless said otherwise. */
export function sampleTelemetry(
  node: string,
  host: SampledUse,
  servers: Record<string, SampledUse> = {},
): NodeTelemetry {
  const entries = Object.entries(servers);
  const sum = (of: (use: SampledUse) => number | undefined) =>
    entries.reduce((total, [, use]) => total + (of(use) ?? 0), 0);
  return {
    node,
    atMs: Date.parse(sampledAt),
    host: {
      ...usage(host.milliCpu ?? sum((use) => use.milliCpu), host.memoryBytes ?? sum((use) => use.memoryBytes)),
      pressure: host.pressure ?? {},
    },
    servers: entries.map(([name, use]) => ({
      uid: `uid-${name}`,
      namespace: "default",
      name,
      usage: usage(use.milliCpu ?? 0, use.memoryBytes ?? littleMemoryBytes),
      pressure: use.pressure ?? {},
    })),
  };
}

export function usage(milliCpu: number, memoryBytes: number) {
  return { milliCpu, memoryBytes, diskBytes: 0, pids: 1, receivedBytesPerSecond: 0, sentBytesPerSecond: 0 };
}

export function stall(percent: number) {
  return { some: { avg10Percent: percent, avg60Percent: percent, totalMicroseconds: 0 } };
}
