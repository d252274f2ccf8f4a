import type { Fleet } from "../../fleet/fleet.ts";
import { median } from "../statistics.ts";
import type { Contender, Insight, Row } from "./contender.ts";

/** One move of one contender as its client saw it. */
export interface Sample {
  pauseMs: number;
  totalMs: number;
  wireBytes: number;
  connectionKept: boolean;
  p99AfterPauseMs: number;
  insight?: Insight;
}

export interface Load {
  dataMiB: number;
  /** As `redis-counter --fill` has it. */
  data: string;
}

/** Starts a redis, fills it with random data, counts in it over one connection, moves it once. Checks that nothing was lost. */
export async function measureOnce(fleet: Fleet, contender: Contender, load: Load): Promise<Sample> {
  const address = await contender.start(load.dataMiB);
  const counter = fleet.counter(address, load.dataMiB, ["--fill", load.data, "--touch"]);
  try {
    await counter.event("counting");
    const move = await contender.move();
    const seen = await counter.finish();
    const connectionKept = seen["connectionKept"] === true;
    if (connectionKept && seen["writesLost"] !== 0)
      throw new Error(`${contender.system} lost ${String(seen["writesLost"])} writes`);
    const [pauseMs, p99AfterPauseMs] = [Number(seen["longestPauseMs"]), Number(seen["p99AfterPauseMs"])];
    return { ...move, pauseMs, p99AfterPauseMs, connectionKept };
  } finally {
    counter.kill();
    await contender.stop();
  }
}

export function rowOf(contender: Contender, load: Load, samples: readonly Sample[]): Row {
  const insights = samples.flatMap(({ insight }) => (insight === undefined ? [] : [insight]));
  const over = (take: (values: number[]) => number, name: keyof Insight) =>
    insights.length === 0 ? null : Math.round(take(insights.map((insight) => insight[name])));
  const largest = (values: number[]) => Math.max(...values);
  return {
    system: contender.system,
    mode: contender.mode,
    residentMiB: load.dataMiB,
    runs: samples.length,
    pauseMsMedian: median(samples.map((sample) => sample.pauseMs)),
    pauseMsMax: Math.max(...samples.map((sample) => sample.pauseMs)),
    totalMsMedian: Math.round(median(samples.map((sample) => sample.totalMs))),
    wireBytesMedian: median(samples.map((sample) => sample.wireBytes)),
    connectionKept: samples.every((sample) => sample.connectionKept),
    data: load.data,
    p99AfterPauseMsMedian: median(samples.map((sample) => sample.p99AfterPauseMs)),
    memoryBytesMedian: over(median, "memoryBytes"),
    volumeBytesMedian: over(median, "volumeBytes"),
    restoreMsMedian: over(median, "restoreMs"),
    fillMsMedian: over(median, "fillMs"),
    senderPeakMiB: over(largest, "senderPeakMiB"),
    receiverPeakMiB: over(largest, "receiverPeakMiB"),
  };
}
