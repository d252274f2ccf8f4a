import { expect, test } from "vitest";
import { parseDurationMs } from "./duration.ts";

test.each([
  ["30s", 30_000],
  ["1m30s", 90_000],
  ["500ms", 500],
  ["1.5h", 5_400_000],
  ["0", 0],
  ["-1s", -1000],
])("%s is %i ms", (text, durationMs) => {
  expect(parseDurationMs(text)).toBe(durationMs);
});

test.each(["30", "s", "1d", ""])('"%s" is no duration', (text) => {
  expect(() => parseDurationMs(text)).toThrow("invalid duration");
});
