import type { Migration, VirtualServer } from "@vfleet/shared";
import { isMigrationEnded } from "@vfleet/shared";

const dayMs = 86_400_000;
const longestMs = 6 * 3_600_000;

export interface Rest {
  untilMs: number;
  /** In the last 24 hours. */
  moves: number;
}

/**
 * Until when a server that has moved is left alone, for whatever reason it did: the longer, the more often it did in 24 hours. Taken from
 * stored Migrations, so that a restart forgets nothing.
 */
export function restOf(
  server: VirtualServer,
  migrations: readonly Migration[],
  { now, cooldownMs }: { now: string; cooldownMs: number },
): Rest | undefined {
  const nowMs = Date.parse(now);
  const born = server.metadata.creationTimestamp ?? "";
  const moves = migrations
    .filter((migration) => isMigrationEnded(migration) && (migration.metadata.creationTimestamp ?? born) >= born)
    // One that was refused or cancelled before it began cost nothing; of rebalancing's own it is tried again later.
    .filter(({ spec, status }) => status?.startedAt !== undefined || spec.reason === "Rebalance")
    .map(({ status }) => ({ endedAtMs: Date.parse(status?.endedAt ?? ""), totalMs: durationMs(status) }))
    .filter(({ endedAtMs }) => endedAtMs > nowMs - dayMs)
    .toSorted((a, b) => a.endedAtMs - b.endedAtMs);
  const last = moves.at(-1);
  if (last === undefined) return undefined;
  const restMs = Math.min(longestMs, Math.max(cooldownMs, last.totalMs) * 2 ** (moves.length - 1));
  const untilMs = last.endedAtMs + restMs;
  return untilMs > nowMs ? { untilMs, moves: moves.length } : undefined;
}

function durationMs(status: Migration["status"]): number {
  const startedAtMs = Date.parse(status?.startedAt ?? "");
  return Number.isNaN(startedAtMs) ? 0 : Date.parse(status?.endedAt ?? "") - startedAtMs;
}
