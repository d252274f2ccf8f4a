import { pageBytes } from "../pages/page-server-protocol.ts";
import { forecastPause, type EndedRound, type RoundLimits } from "./convergence.ts";
import type { SessionReport } from "./session-report.ts";

/** What is told of rounds of memory. */
export function roundsReport(
  rounds: readonly EndedRound[],
  limits: RoundLimits,
  areGoingOn: boolean,
): Pick<SessionReport, "round" | "rounds" | "dirtyRateBytesPerSecond" | "predictedPauseMs"> {
  return {
    ...(areGoingOn ? { round: rounds.length } : {}),
    rounds: rounds.map(({ pages, startMs, endMs }, round) => ({
      round,
      pages,
      bytes: pages * pageBytes,
      durationMs: Math.round(endMs - startMs),
    })),
    ...(rounds.length === 0 ? {} : forecastPause(rounds, limits)),
  };
}
