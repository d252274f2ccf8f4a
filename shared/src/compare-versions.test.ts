import { expect, test } from "vitest";
import { compareVersions, isAtLeast } from "./compare-versions.ts";

test.each([
  ["4.2.1-1", "4.2", 1],
  ["4.1.1-1", "4.2", -1],
  ["6.1.0-44-amd64", "6.1", 0],
  ["6.18.44-cloud", "6.2", 1],
  ["2.10.27", "2.9.10", 1],
])("compares %s with %s by numbers", (left, right, sign) => {
  expect(Math.sign(compareVersions(left, right))).toBe(sign);
});

test("ignores what comes before the number", () => {
  expect(isAtLeast("v2.15.1", "2.10")).toBe(true);
});
