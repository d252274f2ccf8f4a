import { formatBytesForPeople, type MigrationStatus } from "@vfleet/shared";
import { formatMilliseconds } from "./progress.ts";

/** Steps of controller, source and target in the order in which they began, with a heading. */
export function timelineRows(timeline: NonNullable<MigrationStatus["timeline"]>): string[][] {
  const rows = timeline
    .toSorted((a, b) => a.atMs - b.atMs)
    .map(({ step, side, atMs, durationMs }) => [
      `${Math.round(atMs)} ms`,
      side,
      step,
      durationMs === undefined ? "" : `${Math.round(durationMs)} ms`,
    ]);
  return [["At", "Side", "Step", "Took"], ...rows];
}

/** Rounds of memory that were sent while the server ran, with a heading. */
export function roundRows(rounds: NonNullable<MigrationStatus["rounds"]>): string[][] {
  const rows = rounds.map(({ round, pages, bytes, durationMs }) => [
    String(round),
    String(pages),
    formatBytesForPeople(bytes),
    formatMilliseconds(durationMs),
    `${formatBytesForPeople(Math.round((bytes / Math.max(1, durationMs)) * 1000))}/s`,
  ]);
  return [["Round", "Pages", "Bytes", "Took", "Rate"], ...rows];
}
