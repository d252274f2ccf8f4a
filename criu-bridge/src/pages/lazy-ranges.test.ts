import { expect, it } from "vitest";
import { LazyRanges } from "./lazy-ranges.ts";

const page = 4096;
const ranges = new LazyRanges([
  { address: 10 * page, pages: 4 },
  { address: 20 * page, pages: 1 },
  { address: 30 * page, pages: 10 },
]);

it.each([
  [0, 0],
  [10, 0],
  [12, 2],
  [15, 4],
  [20, 4],
  [25, 5],
  [30, 5],
  [39, 14],
  [99, 15],
])("page %d lies after %d of them", (number, before) => {
  expect(ranges.placeOf(number * page)).toBe(before);
});

it("gives the pages from a place on, over gaps, up to its limits", () => {
  expect(ranges.pages).toBe(15);
  expect(ranges.from(2, 5, 9)).toEqual([
    { address: 12 * page, pages: 2 },
    { address: 20 * page, pages: 1 },
    { address: 30 * page, pages: 2 },
  ]);
  expect(ranges.from(2, 5, 1)).toEqual([{ address: 12 * page, pages: 2 }]);
  expect(ranges.from(4, 1, 9)).toEqual([{ address: 20 * page, pages: 1 }]);
  expect(ranges.from(15, 5, 9)).toEqual([]);
  expect(new LazyRanges([]).from(0, 5, 9)).toEqual([]);
});
