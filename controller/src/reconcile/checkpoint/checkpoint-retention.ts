import type { Checkpoint, CheckpointSchedule } from "@vfleet/shared";

export interface RetentionView {
  /** What one schedule has made. */
  owned: readonly Checkpoint[];
  retention: CheckpointSchedule["spec"]["retention"];
  /** Of the servers that the schedule is for now. */
  serverUids: ReadonlySet<string>;
  /** Names. */
  inUse: ReadonlySet<string>;
  nowMs: number;
}

/**
 * Names of the checkpoints that need not be kept. Of a server that is still there the newest good one stays, however old: newer ones may
 * have failed. Ages go by when they were asked for, by the controller's clock: hosts' clocks may be wrong.
 */
export function expiredCheckpoints({ owned, retention, serverUids, inUse, nowMs }: RetentionView): string[] {
  const { keepLast, maxAgeSeconds = Infinity, keepFailed } = retention;
  const settled = owned.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const ready = settled.filter(({ status }) => status?.phase === "Ready");
  // What was lost may come back with its host.
  const failed = settled.filter(({ status }) => status?.phase === "Failed" && status.takenAt === undefined);
  const expired = [
    ...[...newestFirst(ready, ({ status }) => status?.serverUid ?? "")].flatMap(([uid, ones]) =>
      ones.filter((checkpoint, index) => {
        if (index >= keepLast) return true;
        const isLastGood = index === 0 && serverUids.has(uid);
        return !isLastGood && nowMs - createdMs(checkpoint) > maxAgeSeconds * 1000;
      }),
    ),
    ...[...newestFirst(failed, ({ spec }) => spec.server).values()].flatMap((ones) => ones.slice(keepFailed)),
  ];
  return expired.map(({ metadata }) => metadata.name).filter((name) => !inUse.has(name));
}

export function isUnfinished({ status }: Checkpoint): boolean {
  const phase = status?.phase ?? "Pending";
  return phase === "Pending" || phase === "Taking";
}

function newestFirst(checkpoints: readonly Checkpoint[], groupOf: (one: Checkpoint) => string) {
  return Map.groupBy(
    checkpoints.toSorted((a, b) => createdMs(b) - createdMs(a)),
    groupOf,
  );
}

function createdMs({ metadata }: Checkpoint): number {
  return Date.parse(metadata.creationTimestamp ?? "");
}
