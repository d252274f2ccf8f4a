import type { Migration, MigrationStatus, MoveMode } from "@vfleet/shared";
import { averageOf, type Path } from "./predict-pause.ts";

/** Preparing, the volume, cleaning up: totals less pauses of moves of 64 to 512 MB, see docs/performance.md. */
const assumedAroundMs = 600;
/** Rounds of a server that writes nearly as fast as is sent end by their limits; no more than this many times its memory is foreseen. */
const resentMax = 10;

export interface DurationView {
  mode: MoveMode;
  memoryBytes: number;
  path: Path;
  /** What a move takes beside memory and pause. */
  aroundMs: number;
  /** None: as what doesn't grow with memory. */
  predictedPauseMs: number | undefined;
  dirtyRateBytesPerSecond: number | undefined;
  /** What cold moves took; none: nobody knows how long a server takes to stop and to start. */
  coldMs: number | undefined;
}

/** From its start until it has ended, when nothing else moves; none: it can't be told. */
export function predictDurationMs(view: DurationView): number | undefined {
  const { mode, path, aroundMs, predictedPauseMs = path.fixedPauseMs } = view;
  const sendMs = (view.memoryBytes / path.bytesPerSecond) * 1000;
  switch (mode) {
    case "Cold":
      return view.coldMs;
    case "StopAndCopy":
      return Math.round(aroundMs + predictedPauseMs);
    case "Postcopy":
      return Math.round(aroundMs + predictedPauseMs + sendMs);
    case "Precopy":
    case "Hybrid":
      break;
  }
  // Each round sends what was written during the one before it.
  const writtenShare = (view.dirtyRateBytesPerSecond ?? 0) / path.bytesPerSecond;
  const sent = Math.min(resentMax, 1 / Math.max(1 / resentMax, 1 - writtenShare));
  return Math.round(aroundMs + predictedPauseMs + sendMs * sent);
}

/** What moves between two hosts took beside memory and pause. */
export function knownAroundMs(moves: readonly Migration[]): number {
  return Math.round(averageOf(inOrder(moves).flatMap((status) => aroundOf(status) ?? [])) ?? assumedAroundMs);
}

export function knownColdMs(moves: readonly Migration[]): number | undefined {
  const totals = inOrder(moves).flatMap(({ mode, phase, totalMs }) =>
    mode === "Cold" && phase === "Succeeded" && totalMs !== undefined ? [totalMs] : [],
  );
  const averageMs = averageOf(totals);
  return averageMs === undefined ? undefined : Math.round(averageMs);
}

/** After a post-copy memory still comes, in the time of which this is not a part. */
function aroundOf({ mode, phase, totalMs, pauseMs, rounds = [] }: MigrationStatus): number | undefined {
  const isPlain = mode === "StopAndCopy" || mode === "Precopy";
  if (!isPlain || phase !== "Succeeded" || totalMs === undefined || pauseMs === undefined) return undefined;
  const roundsMs = rounds.reduce((sum, { durationMs }) => sum + durationMs, 0);
  return Math.max(0, totalMs - pauseMs - roundsMs);
}

function inOrder(moves: readonly Migration[]): MigrationStatus[] {
  return moves
    .flatMap(({ status }) => (status?.endedAt === undefined ? [] : [status]))
    .toSorted((a, b) => (a.endedAt ?? "").localeCompare(b.endedAt ?? ""));
}
