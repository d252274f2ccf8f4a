import { expect, test } from "vitest";
import { Lanes } from "./drain-lanes.ts";

test("gives the place that is free first, and none for ever after all are held for good", () => {
  const lanes = new Lanes(2);
  lanes.holdUntil(300);
  expect(lanes.nextMs).toBe(0);
  lanes.holdUntil(100);
  expect(lanes.nextMs).toBe(100);
  lanes.holdUntil(Number.POSITIVE_INFINITY);
  expect(lanes.nextMs).toBe(300);
  lanes.holdUntil(Number.POSITIVE_INFINITY);
  expect(lanes.nextMs).toBe(Number.POSITIVE_INFINITY);
});

test("of no places none is ever free", () => expect(new Lanes(0).nextMs).toBe(Number.POSITIVE_INFINITY));
