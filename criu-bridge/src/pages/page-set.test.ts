import { expect, it } from "vitest";
import { PageSet } from "./page-set.ts";

it("finds what is missing, and how much of it", () => {
  const set = new PageSet(40);
  expect([set.nextMissing(0), set.countMissing(0, 100)]).toEqual([0, 40]);
  set.add(3, 30);
  expect([set.nextMissing(0), set.countMissing(0, 100)]).toEqual([0, 3]);
  expect([set.nextMissing(3), set.countMissing(33, 100), set.countMissing(33, 2)]).toEqual([33, 7, 2]);
  expect([set.has(2), set.has(3), set.has(32), set.has(33)]).toEqual([false, true, true, false]);
});

it("has no page beyond its end", () => {
  const set = new PageSet(10);
  set.add(0, 100);
  expect([set.nextMissing(0), set.countMissing(10, 5), set.countMissing(20, 5)]).toEqual([10, 0, 0]);
});
