import type { Migration, MigrationStatus } from "@vfleet/shared";

/** What freezing, dumping without pages, restoring and cutting over take, whatever the memory: see docs/performance.md. */
export const fixedPauseMs = 400;
/** Of two hosts between which nothing has moved yet: less than a link of 2 Gbit/s carries. */
const assumedBytesPerSecond = 200e6;

/** Of the moves between two hosts, so many count, each half as much as the one after it. */
const samplesMax = 8;
/** Less memory than this says nothing about the rate. */
const sampleBytesMin = 32 * 2 ** 20;

export interface Rate {
  bytesPerSecond: number;
  origin: "measured" | "assumed" | "limited";
}

/** How fast memory went from one host to another in earlier moves, before compression. */
export function knownRate(
  migrations: readonly Migration[],
  { source, target, limit }: { source: string; target: string; limit?: number | undefined },
): Rate {
  const samples = migrations
    .map(({ status }) => status)
    .filter((status) => status?.sourceNode === source && status.targetNode === target && status.endedAt !== undefined)
    .toSorted((a, b) => (a?.endedAt ?? "").localeCompare(b?.endedAt ?? ""))
    .flatMap((status) => rateOf(status) ?? [])
    .slice(-samplesMax);
  const average = samples.reduce<number | undefined>(
    (estimate, sample) => (estimate === undefined ? sample : (estimate + sample) / 2),
    undefined,
  );
  const bytesPerSecond = average ?? assumedBytesPerSecond;
  if (limit !== undefined && limit < bytesPerSecond) return { bytesPerSecond: limit, origin: "limited" };
  return { bytesPerSecond, origin: average === undefined ? "assumed" : "measured" };
}

/** The pause of a move that sends all memory while the server is frozen. */
export function stopAndCopyPauseMs(memoryBytes: number, { bytesPerSecond }: Rate): number {
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

/** A move that was slowed down on request tells nothing. */
function rateOf(status: MigrationStatus | undefined): number | undefined {
  if (status === undefined || status.bandwidthBytesPerSecond !== undefined) return undefined;
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
