import { expect, test } from "vitest";
import { RateWindow } from "./rate-window.ts";

test("a rate needs a little time, and forgets what is long ago", () => {
  const rate = new RateWindow();
  expect(rate.measure(0, 0)).toBeUndefined();
  expect(rate.measure(50, 50)).toBeUndefined();
  expect(rate.measure(1000, 1000)).toBe(1000);
  expect(rate.measure(1000, 10_000)).toBeUndefined();
  expect(rate.measure(1100, 11_000)).toBe(100);
});

test("a counter that begins anew is no negative rate", () => {
  const rate = new RateWindow();
  rate.measure(1000, 0);
  expect(rate.measure(0, 1000)).toBe(0);
});
