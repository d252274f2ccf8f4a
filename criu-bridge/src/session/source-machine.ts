import { isPostCopyMode, type MoveMode } from "@vfleet/shared";
import type { RoundVerdict } from "./convergence.ts";
import type { Outcome } from "./ports.ts";

/** Rounds of volume deltas while the server runs, the first (whole) one included; more where rounds of memory go on. */
export const volumeRoundLimit = 3;
/** A delta of this size takes less time than the memory dump it is hidden behind. */
export const smallDeltaBytes = 8 * 1024 * 1024;
/** How often a dump is begun: where something passing is in its way, the server runs on for a moment. The last one takes it as it is. */
export const dumpLimit = 6;
/** The same where CRIU fails before it asks at its first gate, which can take its time. */
export const failedDumpLimit = 3;

/**
 * The source's side of one move. Up to `sending` the target cannot commit, since it has not got everything: the source may
 * give up by itself. From `sending` on only the ownership record decides. In post-copy the tasks are needed, frozen, until the target
 * has all of their memory: `filling`. A cold move stops the server, `stopping`, and is then where others are with a dump that is done.
 */
export type SourceState =
  | (Active & { phase: "connecting" })
  | (Active & { phase: "syncing"; round: number; lastBytes: number })
  | (Active & { phase: "stopping" })
  | (Active & { phase: "dumping"; dumps: number; frozen: boolean; deltaSent: boolean; dumped: boolean })
  | (Active & { phase: "sending" | "waiting"; aborting: boolean; severed?: string })
  | { phase: "filling" }
  | { phase: "committed" }
  /** Committed, and what ran is nowhere any more. */
  | { phase: "lost"; reason: string }
  | { phase: "aborted"; reason: string };

interface Active {
  mode: MoveMode;
}

export type SourceEvent =
  | { type: "welcomed" }
  /** Of the volume, and, where memory goes in rounds, of that; `memory`: whether more of those are worth it. */
  | { type: "round-received"; bytes: number; memory?: RoundVerdict; allowPostCopy?: boolean }
  /** Cold: nothing of the server runs any more. */
  | { type: "stopped" }
  /** CRIU asks at `network-lock`: the tasks are frozen. `unsettled`: what would be refused now, and may not be in a moment. */
  | { type: "frozen"; unsettled?: string }
  /** CRIU's dump has failed; `failed` follows where it isn't begun again. */
  | { type: "dump-failed"; reason: string }
  | { type: "delta-received" }
  /** CRIU asks at `post-dump` and every page has been sent. */
  | { type: "dumped" }
  /** The target was told that it has everything. */
  | { type: "sent" }
  | { type: "outcome"; outcome: Outcome }
  /** The target has every page. */
  | { type: "filled" }
  /** The connection is gone. */
  | { type: "peer-lost"; reason: string }
  | { type: "failed"; reason: string };

export type SourceAction =
  | { type: "send-round"; round: number }
  | { type: "start-dump"; mode: MoveMode }
  /** The one under way ends before it has sent anything: refused at `network-lock`, or failed before that. */
  | { type: "put-off-dump"; reason: string }
  | { type: "stop-server" }
  | { type: "isolate-network" }
  | { type: "send-delta" }
  | { type: "send-rest" }
  | { type: "ask-outcome" }
  | { type: "ask-abort"; reason: string }
  | { type: "kill-tasks" }
  /** Answers `post-dump`, now or when it is asked. `no` also ends a dump under way. */
  | { type: "answer"; verdict: "go" | "no" }
  | { type: "rejoin-network" }
  /** After a stop that may not have ended yet. */
  | { type: "start-server" }
  | { type: "finish" };

export interface SourceStep {
  state: SourceState;
  actions: SourceAction[];
}

export function sourceStart(mode: MoveMode): SourceState {
  return { mode, phase: "connecting" };
}

/** Events that mean nothing in a state change nothing: they are late. */
export function sourceStep(state: SourceState, event: SourceEvent): SourceStep {
  switch (state.phase) {
    case "connecting":
      if (event.type === "welcomed")
        return {
          state: { mode: state.mode, phase: "syncing", round: 0, lastBytes: Number.POSITIVE_INFINITY },
          actions: [{ type: "send-round", round: 0 }],
        };
      return giveUp(state, event, false);
    case "syncing":
      if (event.type === "round-received") return afterRound(state, event);
      return giveUp(state, event, false);
    case "stopping":
      return stepStopping(state, event);
    case "dumping":
      return stepDumping(state, event);
    case "sending":
    case "waiting":
      return stepDecided(state, event);
    case "filling":
      if (event.type === "filled") return { state: { phase: "committed" }, actions: gone };
      return event.type === "peer-lost" ? lose(event.reason) : stay(state);
    case "committed":
    case "lost":
    case "aborted":
      break;
  }
  return stay(state);
}

/** The target has the memory, or nobody will: what is frozen here must never run again. */
const gone: SourceAction[] = [{ type: "kill-tasks" }, { type: "answer", verdict: "go" }, { type: "finish" }];

function lose(reason: string): SourceStep {
  return { state: { phase: "lost", reason }, actions: gone };
}

function afterRound(
  state: SourceState & { phase: "syncing" },
  { bytes, memory, allowPostCopy = false }: SourceEvent & { type: "round-received" },
): SourceStep {
  const next = state.round + 1;
  const worthIt = bytes > smallDeltaBytes && bytes < state.lastBytes / 2 && next < volumeRoundLimit;
  if (memory === undefined ? worthIt : memory === "another") {
    const { mode } = state;
    return {
      state: { mode, phase: "syncing", round: next, lastBytes: bytes },
      actions: [{ type: "send-round", round: next }],
    };
  }
  if (state.mode === "Cold")
    return { state: { mode: state.mode, phase: "stopping" }, actions: [{ type: "stop-server" }] };
  const mode = memory === "endless" && allowPostCopy ? "Hybrid" : state.mode;
  return {
    state: { mode, phase: "dumping", dumps: 1, frozen: false, deltaSent: false, dumped: false },
    actions: [{ type: "start-dump", mode }],
  };
}

function stepStopping(state: SourceState & { phase: "stopping" }, event: SourceEvent): SourceStep {
  if (event.type !== "stopped") return giveUp(state, event, true);
  return {
    state: { mode: state.mode, phase: "dumping", dumps: 0, frozen: true, deltaSent: false, dumped: true },
    actions: [{ type: "send-delta" }],
  };
}

function stepDumping(state: SourceState & { phase: "dumping" }, event: SourceEvent): SourceStep {
  if (event.type === "frozen" && !state.dumped) {
    if (event.unsettled !== undefined && !state.frozen && state.dumps < dumpLimit)
      return putOff(state, event.unsettled);
    return { state: { ...state, frozen: true }, actions: [{ type: "isolate-network" }, { type: "send-delta" }] };
  }
  if (event.type === "dump-failed" && !state.frozen && state.dumps < failedDumpLimit)
    return putOff(state, event.reason);
  if (event.type === "delta-received") return whenComplete({ ...state, deltaSent: true });
  if (event.type === "dumped") return whenComplete({ ...state, dumped: true });
  return giveUp(state, event, state.frozen);
}

function putOff(state: SourceState & { phase: "dumping" }, reason: string): SourceStep {
  return { state: { ...state, dumps: state.dumps + 1 }, actions: [{ type: "put-off-dump", reason }] };
}

function whenComplete(state: SourceState & { phase: "dumping" }): SourceStep {
  if (!state.deltaSent || !state.dumped) return stay(state);
  return { state: { mode: state.mode, phase: "sending", aborting: false }, actions: [{ type: "send-rest" }] };
}

function stepDecided(state: SourceState & { phase: "sending" | "waiting" }, event: SourceEvent): SourceStep {
  if (event.type === "sent") return stay({ ...state, phase: "waiting" });
  if (event.type === "outcome") return decide(state, event.outcome);
  if (event.type !== "failed" && event.type !== "peer-lost") return stay(state);
  const severed = event.type === "peer-lost" ? { severed: event.reason } : {};
  return {
    state: { ...state, ...severed, aborting: true },
    actions: state.aborting ? [] : [{ type: "ask-abort", reason: event.reason }],
  };
}

function decide(state: SourceState & { phase: "sending" | "waiting" }, outcome: Outcome): SourceStep {
  if (outcome === "undecided") return { state, actions: [{ type: "ask-outcome" }] };
  if (outcome === "committed") {
    if (!isPostCopyMode(state.mode))
      return { state: { phase: "committed" }, actions: [{ type: "answer", verdict: "go" }, { type: "finish" }] };
    return state.severed === undefined ? stay({ phase: "filling" }) : lose(state.severed);
  }
  return {
    state: { phase: "aborted", reason: "the ownership record says aborted" },
    actions: [takeBack(state), { type: "answer", verdict: "no" }, { type: "finish" }],
  };
}

/** Before the target can have everything: no need to ask anybody. */
function giveUp(state: SourceState & Active, event: SourceEvent, interrupted: boolean): SourceStep {
  const failed = event.type === "failed" || event.type === "peer-lost";
  if (!failed && !(event.type === "outcome" && event.outcome === "aborted")) return stay(state);
  const reason = failed ? event.reason : "the ownership record says aborted";
  const actions: SourceAction[] = interrupted ? [takeBack(state)] : [];
  actions.push({ type: "answer", verdict: "no" }, { type: "ask-abort", reason }, { type: "finish" });
  return { state: { phase: "aborted", reason }, actions };
}

/** The server is reachable here again. */
function takeBack({ mode }: Active): SourceAction {
  return { type: mode === "Cold" ? "start-server" : "rejoin-network" };
}

function stay(state: SourceState): SourceStep {
  return { state, actions: [] };
}
