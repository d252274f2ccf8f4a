import { expect, it } from "vitest";
import { StreamWatch } from "./stream-watch.ts";

function watched(limitMs?: number) {
  const clock = { nowMs: 1000 };
  const watch = new StreamWatch({ monotonicMs: () => clock.nowMs }, limitMs);
  const passed = (phase: "syncing" | "frozen", wireBytes: number, isTargetsTurn = true) =>
    watch.passedLimitMs(phase, { wireBytes, isTargetsTurn });
  return { clock, watch, passed };
}

it("gives up a stream on which nothing moves in either direction, sooner where the server is frozen", () => {
  const { clock, watch, passed } = watched(60_000);
  clock.nowMs += 60_000;
  expect(passed("syncing", 0)).toBeUndefined();
  clock.nowMs += 1;
  expect(passed("syncing", 0)).toBe(60_000);
  expect(passed("syncing", 5)).toBeUndefined();
  clock.nowMs += 15_001;
  expect(passed("syncing", 5)).toBeUndefined();
  expect(passed("frozen", 5)).toBe(15_000);
  watch.heard();
  expect(passed("frozen", 5)).toBeUndefined();
});

it("lets a target that has everything take its time", () => {
  const { clock, watch, passed } = watched(1000);
  watch.received();
  clock.nowMs += 20_000;
  expect(passed("frozen", 0)).toBeUndefined();
});

it("lets a source take its time for a dump of which nothing is sent, and a target for what it then gets", () => {
  const { clock, passed } = watched(60_000);
  clock.nowMs += 20_000;
  expect(passed("frozen", 0, false)).toBeUndefined();
  clock.nowMs += 14_000;
  expect(passed("frozen", 0)).toBeUndefined();
  clock.nowMs += 1_001;
  expect(passed("frozen", 0)).toBe(15_000);
});

it("lets neither take longer than the move's own limit", () => {
  const { clock, passed } = watched(60_000);
  clock.nowMs += 60_001;
  expect(passed("frozen", 0, false)).toBe(60_000);
});
