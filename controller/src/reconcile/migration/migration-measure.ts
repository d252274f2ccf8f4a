import type { MigrationProgress, MigrationStatus } from "@vfleet/shared";
import { isPostCopyMode } from "@vfleet/shared";
import type { MigrationView } from "./migration-view.ts";

/** When the controller did something, in milliseconds since the move's start. */
export interface Mark {
  step: string;
  atMs: number;
}

type Timeline = NonNullable<MigrationStatus["timeline"]>;

/** The controller's mark at which both sides' own timelines begin: the target's when it has prepared, the source's when told to go. */
const sessionsBegin = "start-source";

/**
 * The status with what both sides measured. Hosts' clocks are never compared:
 * - `pauseMs` is the source's own: its tasks frozen until the target told it, host to host, that they run there. It
 *   includes that message's way back. Where the source can't say (it was lost), it is the target's: last memory byte
 *   until the tasks run.
 * - timelines are durations since each side began, put behind the moment the controller had told it to begin.
 */
export function measured(view: MigrationView): MigrationStatus {
  const status = { ...view.migration.status };
  const source = view.source.progress;
  const target = view.target.progress;
  const marks = view.session.marks.reduce(
    (timeline, mark) => withStep(timeline, { ...mark, side: "controller" }),
    status.timeline ?? [],
  );
  const timeline = [source, target].reduce(
    (list, progress) => (progress === undefined ? list : withSide(list, progress)),
    marks,
  );
  if (timeline.length > 0) status.timeline = timeline.toSorted((a, b) => a.atMs - b.atMs);
  const pauseMs = source?.pauseMs ?? target?.pauseMs;
  // A pause that goes on is not one yet.
  if (pauseMs !== undefined) status.pauseMs = pauseMs;
  for (const member of ["movedBytes", "expectedBytes", "memoryBytes", "volumeBytes", "wireBytes"] as const) {
    const bytes = Math.max(source?.[member] ?? 0, target?.[member] ?? 0, status[member] ?? 0);
    if (bytes > 0) status[member] = bytes;
  }
  return { ...status, ...figures(view), ...bothHostsNeeded(view) };
}

/** What a side says of the move as it is now: before the commit the source knows, after it the target. */
function figures({ migration, source, target }: MigrationView): Partial<MigrationStatus> {
  const sides = [source.progress, target.progress];
  if (migration.status?.phase === "Committed") sides.reverse();
  const [first, second] = sides;
  const found: Partial<MigrationStatus> = wentOver(migration.status ?? {}, source.progress);
  const rounds = first?.rounds ?? second?.rounds;
  if (rounds !== undefined) found.rounds = rounds;
  for (const member of [
    "round",
    "rateBytesPerSecond",
    "dirtyRateBytesPerSecond",
    "remainingBytes",
    "predictedPauseMs",
  ] as const) {
    const value = first?.[member] ?? second?.[member];
    if (value !== undefined) found[member] = value;
  }
  return found;
}

/** Rounds that did not shrink, where post-copy may follow. */
function wentOver(status: MigrationStatus, progress: MigrationProgress | undefined): Partial<MigrationStatus> {
  const mode = progress?.mode;
  if (mode === undefined || status.mode === undefined || mode === status.mode) return {};
  return { mode, modeReason: `${status.modeReason ?? ""}; the rounds did not shrink, and post-copy is allowed` };
}

/** From the commit of a post-copy until a side says that the last page is there. */
function bothHostsNeeded({ migration, source, target }: MigrationView): Partial<MigrationStatus> {
  const { phase, mode } = migration.status ?? {};
  if (phase !== "Committed" || !isPostCopyMode(mode)) return {};
  // Of a server that was lost neither is needed any more: whether both were when it was, is what was said before.
  if (target.progress?.phase === "failed") return { bothHostsNeeded: migration.status?.bothHostsNeeded ?? true };
  const isOver = target.progress?.phase === "done" || target.progress?.bothHostsNeeded === false;
  const isSaid = target.progress?.bothHostsNeeded ?? source.progress?.bothHostsNeeded ?? true;
  return { bothHostsNeeded: !isOver && isSaid };
}

/** With one more mark of the controller, at this moment. */
export function withMark(status: MigrationStatus, step: string, now: string): MigrationStatus {
  const atMs = Math.max(0, Date.parse(now) - Date.parse(status.startedAt ?? now));
  return { ...status, timeline: withStep(status.timeline ?? [], { step, side: "controller", atMs }) };
}

function withStep(timeline: Timeline, entry: Timeline[number]): Timeline {
  return timeline.some(({ step, side }) => step === entry.step && side === entry.side)
    ? timeline
    : [...timeline, entry];
}

function withSide(timeline: Timeline, progress: MigrationProgress): Timeline {
  const begin = timeline.find((entry) => entry.side === "controller" && entry.step === sessionsBegin)?.atMs ?? 0;
  return [
    ...timeline.filter((entry) => entry.side !== progress.side),
    ...progress.timeline.map((entry) => ({
      step: entry.step,
      side: progress.side,
      atMs: begin + entry.atMs,
      ...(entry.durationMs === undefined ? {} : { durationMs: entry.durationMs }),
    })),
  ];
}
