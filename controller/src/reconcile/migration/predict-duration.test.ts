import { describe, expect, test } from "vitest";
import type { Migration } from "@vfleet/shared";
import { sampleMigration } from "../samples.ts";
import { type DurationView, knownAroundMs, knownColdMs, predictDurationMs } from "./predict-duration.ts";

const base: DurationView = {
  mode: "StopAndCopy",
  memoryBytes: 200e6,
  path: { bytesPerSecond: 100e6, origin: "measured", fixedPauseMs: 400 },
  aroundMs: 600,
  predictedPauseMs: undefined,
  dirtyRateBytesPerSecond: undefined,
  coldMs: undefined,
};

describe("the duration of a move", () => {
  test.each<[string, Partial<DurationView>, number | undefined]>([
    ["of stop-and-copy is its pause and what is around it", { predictedPauseMs: 2400 }, 3000],
    ["of post-copy has its memory, too", { mode: "Postcopy", predictedPauseMs: 400 }, 3000],
    ["of pre-copy has its rounds", { mode: "Precopy" }, 3000],
    [
      "of pre-copy sends twice what is written half as fast as it is sent",
      { mode: "Precopy", dirtyRateBytesPerSecond: 50e6 },
      5000,
    ],
    ["of rounds that don't shrink is bounded", { mode: "Hybrid", dirtyRateBytesPerSecond: 500e6 }, 21_000],
    ["of a cold move is that of earlier ones", { mode: "Cold", coldMs: 7000 }, 7000],
    ["of the first cold move is not known", { mode: "Cold" }, undefined],
  ])("%s", (_what, changes, expected) => expect(predictDurationMs({ ...base, ...changes })).toBe(expected));
});

const moved = (status: Migration["status"]) =>
  sampleMigration("m", { status: { phase: "Succeeded", endedAt: "2026-01-01T00:00:00Z", ...status } });

test("what is around a pause is learned from moves whose memory had ended with it", () => {
  const rounds = [{ round: 0, pages: 1, bytes: 4096, durationMs: 100 }];
  expect(knownAroundMs([])).toBe(600);
  expect(knownAroundMs([moved({ mode: "StopAndCopy", totalMs: 900, pauseMs: 400 })])).toBe(500);
  expect(knownAroundMs([moved({ mode: "Precopy", totalMs: 900, pauseMs: 400, rounds })])).toBe(400);
  expect(knownAroundMs([moved({ mode: "Postcopy", totalMs: 9000, pauseMs: 400 })])).toBe(600);
  expect(knownAroundMs([moved({ mode: "StopAndCopy", phase: "Failed", totalMs: 900, pauseMs: 400 })])).toBe(600);
});

test("what a cold move takes is learned from cold ones only", () => {
  expect(knownColdMs([moved({ mode: "StopAndCopy", totalMs: 900 })])).toBeUndefined();
  expect(knownColdMs([moved({ mode: "Cold", totalMs: 4000 }), moved({ mode: "Cold", totalMs: 6000 })])).toBe(5000);
});
