import { expect, test } from "vitest";
import { pressureCells } from "./pressure-cells.ts";

test("shows the last 10 s of each resource, and what isn't counted as unknown", () => {
  const some = { avg10Percent: 12.34, avg60Percent: 50, totalMicroseconds: 1 };
  expect(pressureCells({ cpu: { some }, io: { some: { ...some, avg10Percent: 0 } } })).toEqual([
    "12.3%",
    "<unknown>",
    "0.0%",
  ]);
  expect(pressureCells(undefined)).toEqual(["<unknown>", "<unknown>", "<unknown>"]);
});
