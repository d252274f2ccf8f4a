import { expect, it } from "vitest";
import { StreamWatch } from "./stream-watch.ts";

function watched(limitMs?: number) {
  const clock = { nowMs: 1000 };
  return { clock, watch: new StreamWatch({ monotonicMs: () => clock.nowMs }, limitMs) };
}

it("gives up a stream on which nothing moves in either direction, sooner where the server is frozen", () => {
  const { clock, watch } = watched(60_000);
  clock.nowMs += 60_000;
  expect(watch.passedLimitMs("syncing", 0)).toBeUndefined();
  clock.nowMs += 1;
  expect(watch.passedLimitMs("syncing", 0)).toBe(60_000);
  expect(watch.passedLimitMs("syncing", 5)).toBeUndefined();
  clock.nowMs += 15_001;
  expect(watch.passedLimitMs("syncing", 5)).toBeUndefined();
  expect(watch.passedLimitMs("frozen", 5)).toBe(15_000);
  watch.heard();
  expect(watch.passedLimitMs("frozen", 5)).toBeUndefined();
});

it("lets a target that has everything take its time", () => {
  const { clock, watch } = watched(1000);
  watch.received();
  clock.nowMs += 20_000;
  expect(watch.passedLimitMs("frozen", 0)).toBeUndefined();
});
