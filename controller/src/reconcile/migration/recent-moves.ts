import type { Migration, RecentMove, VirtualServer } from "@vfleet/shared";
import { isMigrationEnded, recentMovesMax } from "@vfleet/shared";

const dayMs = 86_400_000;

/** What is kept of a move with its server, since Migrations may be deleted; none: it hasn't ended, or cost the server nothing. */
export function recentMoveOf(migration: Migration): RecentMove | undefined {
  const { metadata, spec, status } = migration;
  if (status?.endedAt === undefined || !isMigrationEnded(migration)) return undefined;
  // One that was refused or cancelled before it began cost nothing; of rebalancing's own it is tried again later.
  if (status.startedAt === undefined && spec.reason !== "Rebalance") return undefined;
  const tookMs = Date.parse(status.endedAt) - Date.parse(status.startedAt ?? status.endedAt);
  return { migration: metadata.uid ?? "", endedAt: status.endedAt, tookMs: Math.max(0, tookMs) };
}

/** Each once, of the last 24 hours, the newest last; as many as there is room for. */
export function withRecentMoves(
  known: readonly RecentMove[] | undefined,
  moves: readonly RecentMove[],
  now: string,
): RecentMove[] {
  const all = new Map([...(known ?? []), ...moves].map((move) => [move.migration, move]));
  return [...all.values()]
    .filter(({ endedAt }) => Date.parse(endedAt) > Date.parse(now) - dayMs)
    .toSorted((a, b) => a.endedAt.localeCompare(b.endedAt))
    .slice(-recentMovesMax);
}

/** Of a server, by its own word and by the Migrations of its name that are still there. */
export function recentMovesOf(server: VirtualServer, migrations: readonly Migration[], now: string): RecentMove[] {
  const born = server.metadata.creationTimestamp ?? "";
  const stored = migrations
    .filter(({ metadata }) => (metadata.creationTimestamp ?? born) >= born)
    .flatMap((migration) => recentMoveOf(migration) ?? []);
  return withRecentMoves(server.status?.recentMoves, stored, now);
}
