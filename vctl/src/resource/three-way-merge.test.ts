import { expect, test } from "vitest";
import { threeWayMerge } from "./three-way-merge.ts";

test("nothing to do is no patch", () => {
  expect(
    threeWayMerge({ spec: { a: 1 } }, { spec: { a: 1 } }, { spec: { a: 1, byOthers: 2 }, status: {} }),
  ).toBeUndefined();
});

test("what the file changed is set, what it dropped is removed, what others set stays", () => {
  const last = { spec: { a: 1, old: true, list: [1] } };
  const wanted = { spec: { a: 2, list: [1, 2], fresh: { x: 1 } } };
  const current = { spec: { a: 1, old: true, list: [1], byOthers: 2 } };
  expect(threeWayMerge(last, wanted, current)).toEqual({ spec: { a: 2, list: [1, 2], fresh: { x: 1 }, old: null } });
});

test("what the file dropped and nobody has is not removed again", () => {
  expect(threeWayMerge({ spec: { old: 1 } }, { spec: {} }, { spec: {} })).toBeUndefined();
});
