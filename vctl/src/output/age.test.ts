import { expect, test } from "vitest";
import { formatAge } from "./age.ts";

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const now = Date.parse("2026-06-01T00:00:00Z");

test.each([
  [-5 * second, "<invalid>"],
  [-second / 2, "0s"],
  [0, "0s"],
  [119 * second, "119s"],
  [2 * minute, "2m"],
  [3 * minute + 5 * second, "3m5s"],
  [10 * minute + 5 * second, "10m"],
  [179 * minute, "179m"],
  [3 * hour, "3h"],
  [3 * hour + 7 * minute, "3h7m"],
  [47 * hour, "47h"],
  [2 * day + 3 * hour, "2d3h"],
  [8 * day, "8d"],
  [729 * day, "729d"],
  [3 * 365 * day + 4 * day, "3y4d"],
  [9 * 365 * day, "9y"],
])("an age of %i ms is %s", (ageMs, text) => {
  expect(formatAge(new Date(now - ageMs).toISOString(), now)).toBe(text);
});

test("an age that is not known is said so", () => {
  expect(formatAge(undefined, now)).toBe("<unknown>");
});
