import type { Outcome } from "./ports.ts";

/** Rounds of volume deltas while the server runs, the first (whole) one included. */
export const volumeRoundLimit = 3;
/** A delta of this size takes less time than the memory dump it is hidden behind. */
export const smallDeltaBytes = 8 * 1024 * 1024;

/**
 * The source's side of one move. Up to `sending` the target cannot commit, since it has not got everything: the source may
 * give up by itself. From `sending` on only the ownership record decides.
 */
export type SourceState =
  | { phase: "connecting" }
  | { phase: "syncing"; round: number; lastBytes: number }
  | { phase: "dumping"; frozen: boolean; deltaSent: boolean; dumped: boolean }
  | { phase: "sending"; aborting: boolean }
  | { phase: "waiting"; aborting: boolean }
  | { phase: "committed" }
  | { phase: "aborted"; reason: string };

export type SourceEvent =
  | { type: "welcomed" }
  | { type: "round-received"; bytes: number }
  /** CRIU asks at `network-lock`: the tasks are frozen. */
  | { type: "frozen" }
  | { type: "delta-received" }
  /** CRIU asks at `post-dump` and every page has been sent. */
  | { type: "dumped" }
  /** The target was told that it has everything. */
  | { type: "sent" }
  | { type: "outcome"; outcome: Outcome }
  | { type: "failed"; reason: string };

export type SourceAction =
  | { type: "send-round"; round: number }
  | { type: "start-dump" }
  | { type: "isolate-network" }
  | { type: "send-delta" }
  | { type: "send-rest" }
  | { type: "ask-outcome" }
  | { type: "ask-abort"; reason: string }
  /** Answers `post-dump`, now or when it is asked. `no` also ends a dump under way. */
  | { type: "answer"; verdict: "go" | "no" }
  | { type: "rejoin-network" }
  | { type: "finish" };

export interface SourceStep {
  state: SourceState;
  actions: SourceAction[];
}

export const sourceStart: SourceState = { phase: "connecting" };

/** Events that mean nothing in a state change nothing: they are late. */
export function sourceStep(state: SourceState, event: SourceEvent): SourceStep {
  switch (state.phase) {
    case "connecting":
      if (event.type === "welcomed")
        return {
          state: { phase: "syncing", round: 0, lastBytes: Number.POSITIVE_INFINITY },
          actions: [{ type: "send-round", round: 0 }],
        };
      return giveUp(state, event, false);
    case "syncing":
      if (event.type === "round-received") return afterRound(state, event.bytes);
      return giveUp(state, event, false);
    case "dumping":
      return stepDumping(state, event);
    case "sending":
    case "waiting":
      return stepDecided(state, event);
    case "committed":
    case "aborted":
      break;
  }
  return { state, actions: [] };
}

function afterRound(state: SourceState & { phase: "syncing" }, bytes: number): SourceStep {
  const round = state.round + 1;
  const shrinks = bytes < state.lastBytes / 2;
  if (bytes > smallDeltaBytes && round < volumeRoundLimit && shrinks) {
    return { state: { phase: "syncing", round, lastBytes: bytes }, actions: [{ type: "send-round", round }] };
  }
  return {
    state: { phase: "dumping", frozen: false, deltaSent: false, dumped: false },
    actions: [{ type: "start-dump" }],
  };
}

function stepDumping(state: SourceState & { phase: "dumping" }, event: SourceEvent): SourceStep {
  if (event.type === "frozen") {
    return { state: { ...state, frozen: true }, actions: [{ type: "isolate-network" }, { type: "send-delta" }] };
  }
  if (event.type === "delta-received") return whenComplete({ ...state, deltaSent: true });
  if (event.type === "dumped") return whenComplete({ ...state, dumped: true });
  return giveUp(state, event, state.frozen);
}

function whenComplete(state: SourceState & { phase: "dumping" }): SourceStep {
  if (!state.deltaSent || !state.dumped) return { state, actions: [] };
  return { state: { phase: "sending", aborting: false }, actions: [{ type: "send-rest" }] };
}

function stepDecided(state: SourceState & { phase: "sending" | "waiting" }, event: SourceEvent): SourceStep {
  if (event.type === "sent") return { state: { ...state, phase: "waiting" }, actions: [] };
  if (event.type === "failed" && !state.aborting) {
    return { state: { ...state, aborting: true }, actions: [{ type: "ask-abort", reason: event.reason }] };
  }
  return event.type === "outcome" ? decide(state, event.outcome) : { state, actions: [] };
}

function decide(state: SourceState, outcome: Outcome): SourceStep {
  if (outcome === "undecided") return { state, actions: [{ type: "ask-outcome" }] };
  if (outcome === "committed") {
    return { state: { phase: "committed" }, actions: [{ type: "answer", verdict: "go" }, { type: "finish" }] };
  }
  return {
    state: { phase: "aborted", reason: "the ownership record says aborted" },
    actions: [{ type: "answer", verdict: "no" }, { type: "rejoin-network" }, { type: "finish" }],
  };
}

/** Before the target can have everything: no need to ask anybody. */
function giveUp(state: SourceState, event: SourceEvent, frozen: boolean): SourceStep {
  if (event.type !== "failed" && !(event.type === "outcome" && event.outcome === "aborted"))
    return { state, actions: [] };
  const reason = event.type === "failed" ? event.reason : "the ownership record says aborted";
  const actions: SourceAction[] = [{ type: "answer", verdict: "no" }];
  if (frozen) actions.push({ type: "rejoin-network" });
  actions.push({ type: "ask-abort", reason }, { type: "finish" });
  return { state: { phase: "aborted", reason }, actions };
}
