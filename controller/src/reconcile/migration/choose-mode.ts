import type { MoveMode } from "@vfleet/shared";
import { formatBytesForPeople } from "@vfleet/shared";
import type { MoveWishes } from "./move-wishes.ts";
import type { Path } from "./predict-pause.ts";
import { stopAndCopyPauseMs } from "./predict-pause.ts";

/** What is known when a move begins. It has passed `objectionToMode`. */
export interface ModeView {
  wishes: Pick<MoveWishes, "mode" | "askedBy"> & {
    options: Pick<MoveWishes["options"], "allowPostCopy" | "maxDowntimeMs">;
  };
  /** In use; none: not known yet. */
  memoryBytes: number | undefined;
  memoryLimitBytes: number;
  /** What earlier moves to the same target took. */
  path: Path;
  /** Of the source: only there it matters. */
  tracksDirtyPages: boolean;
  /** At which it wrote memory in an earlier move; none: never seen. */
  dirtyRateBytesPerSecond: number | undefined;
}

export interface ChosenMode {
  mode: MoveMode;
  /** A sentence with the numbers that decided. */
  modeReason: string;
  /** None where it depends on what the server writes meanwhile, or it stops. */
  predictedPauseMs?: number;
}

/** Servers smaller than this are over before a round would have begun to pay. */
const roundsPayBytes = 64 * 2 ** 20;
/** Rounds shrink as long as memory is written clearly slower than it is sent. */
const convergingShare = 0.8;
const origins = {
  measured: "as measured between these hosts",
  assumed: "assumed as nothing was measured between these hosts yet",
  limited: "its limit",
};

/** How a server's memory is moved: as asked for, or by what the pause would be. */
export function chooseMode(view: ModeView): ChosenMode {
  const { wishes } = view;
  if (wishes.mode === "Auto") return chooseByMeasure(view);
  const who = wishes.askedBy === "server" ? "Asked for by the server's spec.migration" : "Asked for";
  const mode = wishes.mode;
  if (mode === "StopAndCopy") {
    const predictedPauseMs = stopAndCopyPauseMs(memoryOf(view), view.path);
    return { mode, modeReason: `${who}; ${predictionText(view, predictedPauseMs)}`, predictedPauseMs };
  }
  return { mode, modeReason: who, ...(mode === "Postcopy" ? { predictedPauseMs: view.path.fixedPauseMs } : {}) };
}

function chooseByMeasure(view: ModeView): ChosenMode {
  const { wishes, path, tracksDirtyPages } = view;
  const { allowPostCopy, maxDowntimeMs } = wishes.options;
  const memoryBytes = memoryOf(view);
  const pauseMs = stopAndCopyPauseMs(memoryBytes, path);
  const prediction = predictionText(view, pauseMs);
  const isWithin = pauseMs <= maxDowntimeMs;
  const limit = `maxDowntime ${seconds(maxDowntimeMs)}`;
  if (tracksDirtyPages && !(isWithin && memoryBytes < roundsPayBytes)) return chooseRounds(view, prediction);
  if (isWithin) {
    return { mode: "StopAndCopy", modeReason: `Within ${limit}: ${prediction}`, predictedPauseMs: pauseMs };
  }
  if (allowPostCopy) {
    const modeReason = `Stopping and copying would be over ${limit}: ${prediction}; post-copy is allowed`;
    return { mode: "Postcopy", modeReason, predictedPauseMs: view.path.fixedPauseMs };
  }
  const modeReason = `Over ${limit}: ${prediction}; but the source does not track dirty pages and post-copy is not allowed`;
  return { mode: "StopAndCopy", modeReason, predictedPauseMs: pauseMs };
}

function chooseRounds({ wishes, path, dirtyRateBytesPerSecond }: ModeView, prediction: string): ChosenMode {
  const converges =
    dirtyRateBytesPerSecond === undefined || dirtyRateBytesPerSecond < path.bytesPerSecond * convergingShare;
  const tracked = "the source tracks dirty pages";
  if (converges)
    return { mode: "Precopy", modeReason: `Rounds while it runs, since ${tracked}; without them ${prediction}` };
  const rates = `it wrote ${perSecond(dirtyRateBytesPerSecond)} when it last moved, and ${perSecond(path.bytesPerSecond)} can be sent`;
  return wishes.options.allowPostCopy
    ? { mode: "Hybrid", modeReason: `Rounds would not end: ${rates}; post-copy is allowed for the rest` }
    : { mode: "Precopy", modeReason: `Rounds may not end: ${rates}; but ${tracked}, and without them ${prediction}` };
}

function predictionText(view: ModeView, pauseMs: number): string {
  const { memoryBytes, memoryLimitBytes, path } = view;
  const memory =
    memoryBytes === undefined ? `at most ${formatBytesForPeople(memoryLimitBytes)}` : formatBytesForPeople(memoryBytes);
  return `a pause of ${seconds(pauseMs)} is predicted (${memory} at ${perSecond(path.bytesPerSecond)}, ${origins[path.origin]}, and ${seconds(path.fixedPauseMs)})`;
}

function memoryOf({ memoryBytes, memoryLimitBytes }: ModeView): number {
  return memoryBytes ?? memoryLimitBytes;
}

function perSecond(bytesPerSecond: number): string {
  return `${formatBytesForPeople(Math.round(bytesPerSecond))}/s`;
}

function seconds(durationMs: number): string {
  return durationMs < 1000 ? `${Math.round(durationMs)} ms` : `${(durationMs / 1000).toFixed(1)} s`;
}
