/** Counters of one thing, at one moment of a clock that never goes back. */
export interface Counters {
  atMs: number;
  cpuMicroseconds: number;
  receivedBytes: number;
  sentBytes: number;
}

export interface Rates {
  milliCpu: number;
  receivedBytesPerSecond: number;
  sentBytesPerSecond: number;
}

/** Rates between two samples; nothing before there are two, and where a counter began anew. */
export function ratesBetween(before: Counters | undefined, after: Counters): Rates {
  const elapsedMs = before === undefined ? 0 : after.atMs - before.atMs;
  if (before === undefined || elapsedMs <= 0) return { milliCpu: 0, receivedBytesPerSecond: 0, sentBytesPerSecond: 0 };
  const perMs = (from: number, to: number) => Math.max(0, to - from) / elapsedMs;
  return {
    milliCpu: Math.round(perMs(before.cpuMicroseconds, after.cpuMicroseconds)),
    receivedBytesPerSecond: Math.round(perMs(before.receivedBytes, after.receivedBytes) * 1000),
    sentBytesPerSecond: Math.round(perMs(before.sentBytes, after.sentBytes) * 1000),
  };
}
