import { expect, test } from "vitest";
import { humanDuration } from "./human-duration.ts";

const hour = 3600;
const day = 24 * hour;

test.each([
  [-5, "<invalid>"],
  [0, "0s"],
  [119, "119s"],
  [120, "2m"],
  [200, "3m20s"],
  [11 * 60, "11m"],
  [3 * hour, "3h"],
  [5 * hour + 720, "5h12m"],
  [20 * hour, "20h"],
  [3 * day, "3d"],
  [3 * day + 4 * hour, "3d4h"],
  [100 * day, "100d"],
  [740 * day, "2y10d"],
  [3000 * day, "8y"],
])("%i seconds are %s, as kubectl words it", (seconds, text) => {
  expect(humanDuration(seconds * 1000)).toBe(text);
});
