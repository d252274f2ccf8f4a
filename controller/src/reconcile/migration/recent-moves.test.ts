import { expect, test } from "vitest";
import type { Migration } from "@vfleet/shared";
import { recentMovesMax } from "@vfleet/shared";
import { sampleMigration } from "../samples.ts";
import { recentMoveOf, withRecentMoves } from "./recent-moves.ts";

const now = "2026-01-02T00:00:00.000Z";
const [startedAt, endedAt] = ["2026-01-01T23:00:00.000Z", "2026-01-01T23:01:00.000Z"];

test.each<[string, Migration["status"], object, number | undefined]>([
  ["one that ended", { phase: "Succeeded", startedAt, endedAt }, {}, 60_000],
  ["one that failed", { phase: "Failed", startedAt, endedAt }, {}, 60_000],
  ["one of rebalancing's that never began", { phase: "Failed", endedAt }, { reason: "Rebalance" }, 0],
  ["no other that never began", { phase: "Failed", endedAt }, {}, undefined],
  ["none that goes on", { phase: "Syncing", startedAt }, {}, undefined],
])("remembers %s", (_what, status, spec, tookMs) => {
  const move = recentMoveOf(sampleMigration("move", { status, spec }));
  expect(move).toEqual(tookMs === undefined ? undefined : { migration: "uid-move", endedAt, tookMs });
});

test("keeps each once, of a day, and no more than there is room for", () => {
  const at = (minute: number) => ({
    migration: `uid-${minute}`,
    endedAt: new Date(Date.parse(now) - minute * 60_000).toISOString(),
    tookMs: 1,
  });
  expect(withRecentMoves([at(1441), at(30)], [at(30), at(10)], now)).toEqual([at(30), at(10)]);
  const many = Array.from({ length: 40 }, (_, index) => at(40 - index));
  expect(withRecentMoves(many, [], now)).toEqual(many.slice(-recentMovesMax));
});
