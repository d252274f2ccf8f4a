import { isPostCopyMode, type Migration, type MigrationStatus } from "@vfleet/shared";

/** Of two hosts between which nothing has moved yet: less than a link of 2 Gbit/s carries. */
const assumedBytesPerSecond = 200e6;
/** Freezing, dumping without pages, restoring and cutting over, on two busy cores: see docs/performance.md. */
const assumedFixedPauseMs = 400;

/** Of the moves between two hosts, so many count, each half as much as the one after it. */
const samplesMax = 8;
/** Less memory than this says nothing about the rate, and its pause nothing about memory. */
const sampleBytesMin = 32 * 2 ** 20;

/** What moves from one host to another are expected to take. */
export interface Path {
  /** Of memory, before compression. */
  bytesPerSecond: number;
  origin: "measured" | "assumed" | "limited";
  /** Part of the pause that does not grow with memory. */
  fixedPauseMs: number;
}

/** What earlier moves between two hosts took. */
export function knownPath(
  migrations: readonly Migration[],
  { source, target, limit }: { source: string; target: string; limit?: number | undefined },
): Path {
  const moves = migrations
    .flatMap(({ status }) => (status === undefined ? [] : [status]))
    .filter(
      ({ sourceNode, targetNode, endedAt }) => sourceNode === source && targetNode === target && endedAt !== undefined,
    )
    .toSorted((a, b) => (a.endedAt ?? "").localeCompare(b.endedAt ?? ""));
  const fixedPauseMs = Math.round(averageOf(moves.flatMap((move) => fixedPauseOf(move) ?? [])) ?? assumedFixedPauseMs);
  const measured = averageOf(moves.flatMap((move) => rateOf(move, fixedPauseMs) ?? []));
  const bytesPerSecond = measured ?? assumedBytesPerSecond;
  if (limit !== undefined && limit < bytesPerSecond) return { bytesPerSecond: limit, origin: "limited", fixedPauseMs };
  return { bytesPerSecond, origin: measured === undefined ? "assumed" : "measured", fixedPauseMs };
}

/** The pause of a move that sends all memory while the server is frozen. */
export function stopAndCopyPauseMs(memoryBytes: number, { bytesPerSecond, fixedPauseMs }: Path): number {
  return Math.round((memoryBytes / bytesPerSecond) * 1000 + fixedPauseMs);
}

/** At which a server wrote memory in its last move that saw it. */
export function knownDirtyRate(
  migrations: readonly Migration[],
  server: { namespace?: string | undefined; name: string },
): number | undefined {
  return migrations
    .filter(
      ({ metadata, spec, status }) =>
        spec.server === server.name &&
        metadata.namespace === server.namespace &&
        status?.dirtyRateBytesPerSecond !== undefined,
    )
    .toSorted((a, b) => (a.status?.startedAt ?? "").localeCompare(b.status?.startedAt ?? ""))
    .at(-1)?.status?.dirtyRateBytesPerSecond;
}

/** The pause of a move in which no memory, or hardly any, was waited for. */
function fixedPauseOf({ mode, phase, memoryBytes = 0, pauseMs }: MigrationStatus): number | undefined {
  const isWithoutMemory = isPostCopyMode(mode) || (mode === "StopAndCopy" && memoryBytes < sampleBytesMin);
  return phase === "Succeeded" && isWithoutMemory ? pauseMs : undefined;
}

/** A move that was slowed down on request tells nothing. */
function rateOf(status: MigrationStatus, fixedPauseMs: number): number | undefined {
  if (status.bandwidthBytesPerSecond !== undefined) return undefined;
  const rounds = status.rounds ?? [];
  const roundBytes = rounds.reduce((sum, { bytes }) => sum + bytes, 0);
  const roundMs = rounds.reduce((sum, { durationMs }) => sum + durationMs, 0);
  if (roundBytes >= sampleBytesMin && roundMs > 0) return (roundBytes / roundMs) * 1000;
  const { mode, phase, memoryBytes = 0, pauseMs } = status;
  if (mode !== "StopAndCopy" || phase !== "Succeeded" || memoryBytes < sampleBytesMin || pauseMs === undefined)
    return undefined;
  // Of a short pause most is not the memory's; a tenth of it at least is.
  return (memoryBytes / Math.max(pauseMs - fixedPauseMs, pauseMs / 10)) * 1000;
}

/** Of the last ones, each half as much as the one after it. */
export function averageOf(samples: readonly number[]): number | undefined {
  return samples
    .slice(-samplesMax)
    .reduce<number | undefined>(
      (average, sample) => (average === undefined ? sample : (average + sample) / 2),
      undefined,
    );
}
