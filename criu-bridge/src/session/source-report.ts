import { isPostCopyMode } from "@vfleet/shared";
import { pageBytes } from "../pages/page-server-protocol.ts";
import type { EndedRound, RoundLimits } from "./convergence.ts";
import type { MemorySource } from "./memory-source.ts";
import { roundsReport } from "./rounds-report.ts";
import type { SessionReport } from "./session-report.ts";
import type { SessionRun } from "./session-run.ts";
import type { SourceState } from "./source-machine.ts";
import { sourcePauseMs } from "./source-pause.ts";
import { sourcePhases } from "./source-phase.ts";

export interface SourceView {
  state: SourceState;
  run: SessionRun;
  memory: MemorySource | undefined;
  /** Of memory, where it goes in rounds. */
  rounds: { ended: readonly EndedRound[]; limits: RoundLimits } | undefined;
  volumeBytes: number;
  wireBytes: number;
}

/** What the source tells of its side. */
export function sourceReport({ state, run, memory, rounds, volumeBytes, wireBytes }: SourceView): SessionReport {
  const memoryBytes = (memory?.pages ?? 0) * pageBytes;
  const remaining = memory?.remainingPages;
  const pauseMs = sourcePauseMs(run.timeline);
  const isCommitted = state.phase === "committed";
  return {
    phase: isCommitted && run.isEnding ? "done" : sourcePhases[state.phase],
    mode: run.mode,
    ...(rounds === undefined ? {} : roundsReport(rounds.ended, rounds.limits, state.phase === "syncing")),
    movedBytes: memoryBytes + volumeBytes,
    memoryBytes,
    volumeBytes,
    wireBytes,
    ...(remaining === undefined || isCommitted ? {} : { remainingBytes: remaining * pageBytes }),
    ...(isPostCopyMode(run.mode) ? { bothHostsNeeded: state.phase === "filling" } : {}),
    ...(pauseMs === undefined ? {} : { pauseMs }),
    timeline: run.timeline.steps(),
    ...(run.error === undefined || isCommitted ? {} : { error: run.error }),
  };
}
