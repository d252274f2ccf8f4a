import { describe, expect, test } from "vitest";
import type { Migration } from "@vfleet/shared";
import { sampleMigration, sampleServer } from "../reconcile/samples.ts";
import { restOf } from "./cooldown.ts";

const now = "2026-01-02T00:00:00.000Z";
const server = sampleServer("web", { metadata: { creationTimestamp: "2025-01-01T00:00:00.000Z" } });
const minuteMs = 60_000;

function ago(minutes: number): string {
  return new Date(Date.parse(now) - minutes * minuteMs).toISOString();
}

/** Ended so many minutes ago. */
function moved(minutes: number, status: Migration["status"] = {}, spec: object = {}): Migration {
  return sampleMigration(`move-${minutes}`, {
    spec,
    status: { phase: "Succeeded", startedAt: ago(minutes + 1), endedAt: ago(minutes), ...status },
    metadata: { creationTimestamp: ago(minutes + 1) },
  });
}

/** Minutes from now. */
function restMinutes(...migrations: Migration[]): number | undefined {
  const rest = restOf(server, migrations, { now, cooldownMs: 15 * minuteMs });
  return rest === undefined ? undefined : (rest.untilMs - Date.parse(now)) / minuteMs;
}

describe("restOf", () => {
  test.each<[string, Migration[], number | undefined]>([
    ["one that never moved doesn't rest", [], undefined],
    ["a quarter of an hour after its first move", [moved(5)], 10],
    ["no longer", [moved(15)], undefined],
    ["as long as its move took, where that is longer", [moved(5, { startedAt: ago(35) })], 25],
    ["twice as long after the second in 24 hours", [moved(5), moved(600)], 25],
    ["four times as long after the third", [moved(5), moved(300), moved(600)], 55],
    ["six hours at most", [5, 6, 7, 8, 9, 10, 11].map((minutes) => moved(minutes)), 355],
    ["an earlier day doesn't count", [moved(5), moved(1500)], 10],
    ["after a failed move, too", [moved(5, { phase: "Failed" })], 10],
    ["not after one that was cancelled before it began", [moved(5, { startedAt: undefined })], undefined],
    ["after one of its own that was refused", [moved(5, { startedAt: undefined }, { reason: "Rebalance" })], 10],
    ["a move that goes on isn't its business", [moved(5, { phase: "Syncing", endedAt: undefined })], undefined],
  ])("%s", (_what, migrations, minutes) => expect(restMinutes(...migrations)).toBe(minutes));

  test("a move is remembered whose Migration was deleted, and counts once while it is there", () => {
    const recentMoves = [{ migration: "uid-move-5", endedAt: ago(5), tookMs: minuteMs }];
    const remembering = { ...server, status: { recentMoves } };
    for (const migrations of [[], [moved(5)]]) {
      const rest = restOf(remembering, migrations, { now, cooldownMs: 15 * minuteMs });
      expect(rest).toEqual({ untilMs: Date.parse(now) + 10 * minuteMs, moves: 1 });
    }
  });

  test("moves of an earlier server of the same name don't count", () => {
    const young = sampleServer("web", { metadata: { creationTimestamp: ago(4) } });
    expect(restOf(young, [moved(5)], { now, cooldownMs: 15 * minuteMs })).toBeUndefined();
  });
});
