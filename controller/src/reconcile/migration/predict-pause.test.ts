import { describe, expect, test } from "vitest";
import type { MigrationStatus } from "@vfleet/shared";
import { sampleMigration } from "../samples.ts";
import { knownDirtyRate, knownPath, stopAndCopyPauseMs } from "./predict-pause.ts";

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

describe("knownPath: rate", () => {
  test("is an assumption where nothing has moved yet", () =>
    expect(knownPath([], link)).toEqual({ bytesPerSecond: 200e6, origin: "assumed", fixedPauseMs: 400 }));

  test("is what the memory of a stopped server took, without what every move takes", () =>
    expect(knownPath([moved({})], link)).toMatchObject({ bytesPerSecond: 500 * mebibyte, origin: "measured" }));

  test("follows the later moves more than the earlier ones", () => {
    const moves = [moved({ memoryBytes: 100 * mebibyte }), moved({ memoryBytes: 300 * mebibyte })];
    expect(knownPath(moves.toReversed(), link).bytesPerSecond).toBe(200 * mebibyte);
  });

  test("is that of rounds where there were some", () => {
    const rounds = [{ round: 0, pages: 25_600, bytes: 100 * mebibyte, durationMs: 500 }];
    expect(knownPath([moved({ mode: "Precopy", rounds })], link).bytesPerSecond).toBe(200 * mebibyte);
  });

  test.each<[string, MigrationStatus]>([
    ["another pair of hosts", { targetNode: "host-3" }],
    ["a move under way", { endedAt: undefined }],
    ["a move that failed", { phase: "Failed" }],
    ["a move with a limit", { bandwidthBytesPerSecond: 1e6 }],
    ["little memory", { memoryBytes: mebibyte }],
    ["post-copy, whose pause says nothing", { mode: "Postcopy" }],
  ])("does not count %s", (_what, status) => expect(knownPath([moved(status)], link).origin).toBe("assumed"));

  test("is never above a limit", () =>
    expect(knownPath([moved({})], { ...link, limit: 1e6 })).toMatchObject({ bytesPerSecond: 1e6, origin: "limited" }));
});

test("what every move takes is learned from those that hardly waited for memory", () => {
  const moves = [moved({ memoryBytes: mebibyte, pauseMs: 600 }), moved({ mode: "Postcopy", pauseMs: 200 })];
  expect(knownPath(moves, link)).toEqual({ bytesPerSecond: 200e6, origin: "assumed", fixedPauseMs: 400 });
  expect(knownPath(moves.slice(1), link).fixedPauseMs).toBe(200);
});

test("a pause is what memory takes, and what every move takes", () =>
  expect(stopAndCopyPauseMs(100e6, { bytesPerSecond: 50e6, origin: "measured", fixedPauseMs: 300 })).toBe(2300));

test("what a server wrote is that of its last move which saw it", () => {
  const moves = [
    moved({ startedAt: "2026-01-02T00:00:00Z", dirtyRateBytesPerSecond: 7 }),
    moved({ startedAt: "2026-01-01T00:00:00Z", dirtyRateBytesPerSecond: 5 }),
    moved({ startedAt: "2026-01-03T00:00:00Z" }),
  ];
  expect(knownDirtyRate(moves, { namespace: "default", name: "web" })).toBe(7);
  expect(knownDirtyRate(moves, { namespace: "default", name: "other" })).toBeUndefined();
});
