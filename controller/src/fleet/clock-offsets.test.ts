import { expect, test } from "vitest";
import { ClockOffsets } from "./clock-offsets.ts";

const minuteMs = 60_000;

function offsetOf(offsetMs: number, delaysMs: readonly number[]): number | undefined {
  const clocks = new ClockOffsets();
  for (const [index, delayMs] of delaysMs.entries())
    clocks.hear("host-1", 1000 * index + offsetMs, 1000 * index + delayMs);
  return clocks.of("host-1");
}

test.each<[string, number | undefined, number, number[]]>([
  ["nothing before it has spoken three times", undefined, 5 * minuteMs, [0, 0]],
  ["a clock that is ahead", 5 * minuteMs, 5 * minuteMs, [0, 0, 0]],
  ["a clock that is behind", -5 * minuteMs, -5 * minuteMs, [0, 0, 0]],
  ["no slow clock of messages that came late", -10, 0, [30_000, 10, 40_000]],
  ["what is said now, not what was once", -20_000, 0, [0, 20_000, 20_000, 20_000]],
])("sees %s", (_what, seen, offsetMs, delaysMs) => expect(offsetOf(offsetMs, delaysMs)).toBe(seen));
