import { describe, expect, it } from "vitest";
import { forecastPause, judgeRounds, type EndedRound } from "./convergence.ts";

const limits = { maxDowntimeMs: 500, rounds: 5, fixedPauseMs: 300 };

/** Rounds of so many MiB, one after the other, at 100 MiB/s. */
function roundsOf(...mebibytes: number[]): EndedRound[] {
  let atMs = 0;
  return mebibytes.map((size) => {
    const startMs = atMs;
    atMs += size * 10;
    return { pages: size * 256, startMs, endMs: atMs };
  });
}

describe("another round of memory", () => {
  it.each([
    ["there was none yet", [], "another"],
    ["all of it could go while frozen", [10], "within"],
    ["nothing is known of what it writes", [400], "another"],
    ["a round leaves little for the next", [400, 40], "within"],
    ["a round leaves too much for the next", [400, 200], "another"],
    ["rounds shrink slowly", [400, 350, 300], "another"],
    ["a round was as large as the one before", [400, 200, 195], "endless"],
    ["there may be no more", [400, 350, 310, 270, 240], "endless"],
    ["what is left is next to nothing", [400, 1], "within"],
  ] as const)("%s", (_what, sizes, verdict) => {
    expect(judgeRounds(roundsOf(...sizes), limits)).toBe(verdict);
  });

  it("is not sent for a pause that another round could not shorten", () => {
    expect(judgeRounds(roundsOf(400, 1), { ...limits, maxDowntimeMs: 1 })).toBe("within");
  });
});

describe("the pause that is predicted", () => {
  it("is that of everything after the first round", () => {
    expect(forecastPause(roundsOf(400), limits)).toEqual({ predictedPauseMs: 4_300 });
  });

  it("is that of what is written while a round goes over", () => {
    const [first, second] = roundsOf(400, 40);
    // 40 MiB in 4 s, and the second round took 0.4 s: 4 MiB are left.
    expect(
      forecastPause(
        [first, second].filter((round) => round !== undefined),
        limits,
      ),
    ).toEqual({
      dirtyRateBytesPerSecond: 10 * 2 ** 20,
      predictedPauseMs: 340,
    });
  });
});
