import { pageBytes } from "../pages/page-server-protocol.ts";

/** One round of memory that has ended. Times are this host's. */
export interface EndedRound {
  pages: number;
  /** Its dump was started. */
  startMs: number;
  /** The target had it whole. */
  endMs: number;
}

export interface RoundLimits {
  /** Pause that is aimed at. */
  maxDowntimeMs: number;
  rounds: number;
  /** What a pause takes beside its memory. */
  fixedPauseMs: number;
}

export interface RoundForecast {
  /** At which the server writes memory; not known after the first round. */
  dirtyRateBytesPerSecond?: number;
  predictedPauseMs: number;
}

/** `another` round; or none: the pause is `within` what is aimed at, or more rounds would not `shrink` it. */
export type RoundVerdict = "another" | "within" | "endless";

/** A round that is not smaller than this part of the one before it is no progress. */
const progressRatio = 0.9;
/** What is left can't become much less than what is written while a round takes its least time. */
const smallBytes = 1024 * 1024;

/**
 * What a freeze after the last round would cost. Pages written since then are taken to be as many as were written during the round before, in
 * proportion to the time: a server that writes the same pages again and again makes this too much, never too little by far.
 */
export function forecastPause(rounds: readonly EndedRound[], limits: Pick<RoundLimits, "fixedPauseMs">): RoundForecast {
  const [before, last] = [rounds.at(-2), rounds.at(-1)];
  if (last === undefined) return { predictedPauseMs: Number.POSITIVE_INFINITY };
  const bandwidth = Math.max(...rounds.map(bytesPerSecond));
  const pauseFor = (bytes: number) => Math.round(limits.fixedPauseMs + (bytes / bandwidth) * 1000);
  // Nothing is known of what it writes: it may write all of it.
  if (before === undefined) return { predictedPauseMs: pauseFor(bytesOf(last)) };
  const dirtyRate = (bytesOf(last) / Math.max(1, last.startMs - before.startMs)) * 1000;
  const left = Math.min((dirtyRate * (last.endMs - last.startMs)) / 1000, bytesOf(last));
  return { dirtyRateBytesPerSecond: Math.round(dirtyRate), predictedPauseMs: pauseFor(left) };
}

/** Whether another round is worth it. */
export function judgeRounds(rounds: readonly EndedRound[], limits: RoundLimits): RoundVerdict {
  const [before, last] = [rounds.at(-2), rounds.at(-1)];
  if (last === undefined) return "another";
  if (forecastPause(rounds, limits).predictedPauseMs <= limits.maxDowntimeMs || bytesOf(last) <= smallBytes)
    return "within";
  const isStuck = rounds.length > 2 && before !== undefined && last.pages > before.pages * progressRatio;
  return isStuck || rounds.length >= limits.rounds ? "endless" : "another";
}

function bytesOf({ pages }: EndedRound): number {
  return pages * pageBytes;
}

function bytesPerSecond(round: EndedRound): number {
  return (bytesOf(round) / Math.max(1, round.endMs - round.startMs)) * 1000;
}
