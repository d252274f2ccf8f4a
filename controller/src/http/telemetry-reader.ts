import type { Pressure } from "@vfleet/shared";

/** Usage over `windowMs`, ended at `atMs`. */
export interface UsageSample {
  atMs: number;
  windowMs: number;
  milliCpu: number;
  memoryBytes: number;
  /** None of a resource, or none at all: unknown. */
  pressure?: Pressure;
}

/** Latest samples; nodes and servers without a recent one are absent. May reject: `top` is then unavailable. */
export interface TelemetryReader {
  /** By node name. */
  nodes(): Promise<ReadonlyMap<string, UsageSample>>;
  /** By `namespace/name`. */
  servers(): Promise<ReadonlyMap<string, UsageSample>>;
}
