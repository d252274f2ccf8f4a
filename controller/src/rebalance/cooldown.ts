import type { Migration, VirtualServer } from "@vfleet/shared";
import { recentMovesOf } from "../reconcile/migration/recent-moves.ts";

const longestMs = 6 * 3_600_000;

export interface Rest {
  untilMs: number;
  /** In the last 24 hours. */
  moves: number;
}

/**
 * Until when a server that has moved is left alone, for whatever reason it did: the longer, the more often it did in 24 hours. Taken from
 * the server's status and from stored Migrations, so that neither a restart nor a deletion forgets it.
 */
export function restOf(
  server: VirtualServer,
  migrations: readonly Migration[],
  { now, cooldownMs }: { now: string; cooldownMs: number },
): Rest | undefined {
  const moves = recentMovesOf(server, migrations, now);
  const last = moves.at(-1);
  if (last === undefined) return undefined;
  const restMs = Math.min(longestMs, Math.max(cooldownMs, last.tookMs) * 2 ** (moves.length - 1));
  const untilMs = Date.parse(last.endedAt) + restMs;
  return untilMs > Date.parse(now) ? { untilMs, moves: moves.length } : undefined;
}
