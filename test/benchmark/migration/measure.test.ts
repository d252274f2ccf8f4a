import { expect, it } from "vitest";
import type { Contender, Insight } from "./contender.ts";
import { rowOf, type Sample } from "./measure.ts";

const contender: Contender = {
  system: "vfleet",
  mode: "StopAndCopy",
  start: async () => "",
  move: async () => ({ totalMs: 0, wireBytes: 0 }),
  stop: async () => {},
};
const load = { dataMiB: 64, data: "random" };
const seen: Sample = { pauseMs: 5, totalMs: 9, wireBytes: 100, connectionKept: true, p99AfterPauseMs: 0.2 };
const insight: Insight = {
  memoryBytes: 90,
  volumeBytes: 2,
  restoreMs: 10,
  fillMs: 20,
  senderPeakMiB: 200,
  receiverPeakMiB: 210,
};

it("takes the median of what differs by chance, and the largest of what is a limit", () => {
  const samples = [1, 3, 2].map((factor) => ({
    ...seen,
    insight: { ...insight, fillMs: 20 * factor, senderPeakMiB: 200 + factor },
  }));
  expect(rowOf(contender, load, samples)).toMatchObject({
    fillMsMedian: 40,
    senderPeakMiB: 203,
    receiverPeakMiB: 210,
    memoryBytesMedian: 90,
  });
});

it("says null of what nothing tells", () => {
  expect(rowOf(contender, load, [seen])).toMatchObject({
    wireBytesMedian: 100,
    memoryBytesMedian: null,
    restoreMsMedian: null,
    senderPeakMiB: null,
  });
});
