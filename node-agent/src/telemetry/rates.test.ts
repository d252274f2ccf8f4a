import { expect, it } from "vitest";
import { ratesBetween } from "./rates.ts";

const first = { atMs: 1000, cpuMicroseconds: 0, receivedBytes: 100, sentBytes: 0 };

it("is nothing before there are two samples", () => {
  expect(ratesBetween(undefined, first)).toEqual({ milliCpu: 0, receivedBytesPerSecond: 0, sentBytesPerSecond: 0 });
});

it("is what was used in the time between", () => {
  expect(ratesBetween(first, { atMs: 3000, cpuMicroseconds: 1_000_000, receivedBytes: 2100, sentBytes: 50 })).toEqual({
    milliCpu: 500,
    receivedBytesPerSecond: 1000,
    sentBytesPerSecond: 25,
  });
});

it("is nothing where a counter began anew", () => {
  expect(
    ratesBetween(first, { atMs: 2000, cpuMicroseconds: 0, receivedBytes: 0, sentBytes: 0 }).receivedBytesPerSecond,
  ).toBe(0);
});
