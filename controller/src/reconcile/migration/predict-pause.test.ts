import { describe, expect, test } from "vitest";
import type { MigrationStatus } from "@vfleet/shared";
import { sampleMigration } from "../samples.ts";
import { knownDirtyRate, knownRate, stopAndCopyPauseMs } from "./predict-pause.ts";

const link = { source: "host-1", target: "host-2" };
const mebibyte = 2 ** 20;
let count = 0;

function moved(status: MigrationStatus) {
  count += 1;
  return sampleMigration(`move-${count}`, {
    status: {
      phase: "Succeeded",
      mode: "StopAndCopy",
      sourceNode: "host-1",
      targetNode: "host-2",
      endedAt: `2026-01-01T00:00:${String(count).padStart(2, "0")}.000Z`,
      memoryBytes: 500 * mebibyte,
      pauseMs: 1400,
      ...status,
    },
  });
}

describe("knownRate", () => {
  test("is an assumption where nothing has moved yet", () =>
    expect(knownRate([], link)).toEqual({ bytesPerSecond: 200e6, origin: "assumed" }));

  test("is what the memory of a stopped server took, without what every move takes", () =>
    expect(knownRate([moved({})], link)).toEqual({ bytesPerSecond: 500 * mebibyte, origin: "measured" }));

  test("follows the later moves more than the earlier ones", () => {
    const moves = [moved({ memoryBytes: 100 * mebibyte }), moved({ memoryBytes: 300 * mebibyte })];
    expect(knownRate(moves.toReversed(), link).bytesPerSecond).toBe(200 * mebibyte);
  });

  test("is that of rounds where there were some", () => {
    const rounds = [{ round: 0, pages: 25_600, bytes: 100 * mebibyte, durationMs: 500 }];
    expect(knownRate([moved({ mode: "Precopy", rounds })], link).bytesPerSecond).toBe(200 * mebibyte);
  });

  test.each<[string, MigrationStatus]>([
    ["another pair of hosts", { targetNode: "host-3" }],
    ["a move under way", { endedAt: undefined }],
    ["a move that failed", { phase: "Failed" }],
    ["a move with a limit", { bandwidthBytesPerSecond: 1e6 }],
    ["little memory", { memoryBytes: mebibyte }],
    ["post-copy, whose pause says nothing", { mode: "Postcopy" }],
  ])("does not count %s", (_what, status) => expect(knownRate([moved(status)], link).origin).toBe("assumed"));

  test("is never above a limit", () =>
    expect(knownRate([moved({})], { ...link, limit: 1e6 })).toEqual({ bytesPerSecond: 1e6, origin: "limited" }));
});

test("a pause is what memory takes, and what every move takes", () =>
  expect(stopAndCopyPauseMs(100e6, { bytesPerSecond: 50e6, origin: "measured" })).toBe(2400));

test("what a server wrote is that of its last move which saw it", () => {
  const moves = [
    moved({ startedAt: "2026-01-02T00:00:00Z", dirtyRateBytesPerSecond: 7 }),
    moved({ startedAt: "2026-01-01T00:00:00Z", dirtyRateBytesPerSecond: 5 }),
    moved({ startedAt: "2026-01-03T00:00:00Z" }),
  ];
  expect(knownDirtyRate(moves, { namespace: "default", name: "web" })).toBe(7);
  expect(knownDirtyRate(moves, { namespace: "default", name: "other" })).toBeUndefined();
});
