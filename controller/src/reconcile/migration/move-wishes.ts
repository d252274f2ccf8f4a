import type { Migration, MigrationMode, MoveOptions, VirtualServer } from "@vfleet/shared";
import { parseBytes } from "@vfleet/shared";

/** What is asked of one move, by its Migration where that says something, by its server's `spec.migration` elsewhere. */
export interface MoveWishes {
  mode: MigrationMode;
  /** Who asked for the mode. */
  askedBy: "migration" | "server";
  options: Omit<MoveOptions, "fixedPauseMs">;
  /** From the start at the source to the commit. */
  timeoutMs: number;
}

export function moveWishes(server: VirtualServer, spec: Partial<Migration["spec"]> = {}): MoveWishes {
  const policy = server.spec.migration;
  const bandwidth = spec.bandwidth ?? policy.bandwidth;
  return {
    mode: spec.mode ?? policy.mode,
    askedBy: spec.mode === undefined ? "server" : "migration",
    options: {
      ...(bandwidth === undefined ? {} : { bandwidthBytesPerSecond: parseBytes(bandwidth) }),
      maxDowntimeMs: spec.maxDowntimeMs ?? policy.maxDowntimeMs,
      rounds: spec.rounds ?? policy.rounds,
      progressTimeoutMs: (spec.progressTimeoutSeconds ?? policy.progressTimeoutSeconds) * 1000,
      allowPostCopy: spec.allowPostCopy ?? policy.allowPostCopy,
    },
    timeoutMs: (spec.completionTimeoutSeconds ?? completionTimeoutSeconds(server)) * 1000,
  };
}

/** By the most memory that it may have come to. */
function completionTimeoutSeconds(server: VirtualServer): number {
  const gibibytes = Math.max(1, parseBytes(server.spec.resources.limits.memory) / 2 ** 30);
  return Math.ceil(gibibytes * server.spec.migration.completionTimeoutPerGiBSeconds);
}
