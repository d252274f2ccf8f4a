import type { Outcome } from "./ports.ts";

/**
 * The target's side of one move. Only the target asks to commit, so up to `restoring` it may give up by itself; from `committing`
 * on the ownership record decides; where no answer comes within the limit the restored tasks die, and the
 * record is asked to abort until it has said which of the two it was.
 */
export type TargetState =
  | { phase: "receiving"; welcomed: boolean }
  | { phase: "restoring" }
  /** `dead`: why the restored tasks died meanwhile; the record may still say committed. */
  | { phase: "committing"; dead?: string }
  | { phase: "committed"; running: boolean }
  | { phase: "filled" }
  | { phase: "lost"; reason: string }
  | { phase: "discarded"; reason: string };

export type TargetEvent =
  | { type: "accepted" }
  /** Images and volume are complete and the volume stands in its place. */
  | { type: "complete" }
  /** CRIU asks at `post-restore`. */
  | { type: "restored" }
  | { type: "outcome"; outcome: Outcome }
  /** No answer to the commit within the limit. */
  | { type: "commit-limit" }
  /** CRIU asks at `pre-resume`: the network is unlocked, the tasks run in a moment. */
  | { type: "resuming" }
  /** Every page is in its place; the images are not needed any more. */
  | { type: "filled" }
  | { type: "peer-lost"; reason: string }
  | { type: "failed"; reason: string };

export type TargetAction =
  | { type: "welcome" }
  | { type: "start-restore" }
  | { type: "ask-commit" }
  /** Answers `post-restore`, now or when it is asked. */
  | { type: "answer"; verdict: "no" }
  | { type: "tell-committed" }
  /** Then answers `post-restore` with `go`, whatever became of the network. */
  | { type: "attach-network" }
  | { type: "tell-running" }
  | { type: "tell-refused"; reason: string }
  | { type: "ask-abort"; reason: string }
  /** Tidies up; of a refused move removes everything. */
  | { type: "finish" };

export interface TargetStep {
  state: TargetState;
  actions: TargetAction[];
}

export const targetStart: TargetState = { phase: "receiving", welcomed: false };

/** Events that mean nothing in a state change nothing: they are late. */
export function targetStep(state: TargetState, event: TargetEvent): TargetStep {
  switch (state.phase) {
    case "receiving":
      if (event.type === "accepted" && !state.welcomed)
        return { state: { ...state, welcomed: true }, actions: [{ type: "welcome" }] };
      if (event.type === "complete") return { state: { phase: "restoring" }, actions: [{ type: "start-restore" }] };
      if (event.type === "peer-lost" || event.type === "failed") return refuse(event.reason);
      return stay(state);
    case "restoring":
      if (event.type === "restored") return { state: { phase: "committing" }, actions: [{ type: "ask-commit" }] };
      if (event.type === "failed") return refuse(event.reason);
      return stay(state);
    case "committing":
      return stepCommitting(state, event);
    case "committed":
      return stepCommitted(state, event);
    case "filled":
    case "lost":
    case "discarded":
      break;
  }
  return stay(state);
}

function stepCommitting(state: TargetState & { phase: "committing" }, event: TargetEvent): TargetStep {
  if (event.type === "commit-limit") return dying(state, "the commit was not confirmed in time");
  if (event.type === "failed") return dying(state, event.reason);
  if (event.type !== "outcome") return stay(state);
  if (event.outcome === "undecided") {
    const again: TargetAction =
      state.dead === undefined ? { type: "ask-commit" } : { type: "ask-abort", reason: state.dead };
    return { state, actions: [again] };
  }
  if (event.outcome === "aborted") return discarded("the ownership record says aborted");
  if (state.dead !== undefined) {
    return { state: { phase: "lost", reason: state.dead }, actions: [{ type: "tell-committed" }, { type: "finish" }] };
  }
  return {
    state: { phase: "committed", running: false },
    actions: [{ type: "tell-committed" }, { type: "attach-network" }],
  };
}

function stepCommitted(state: TargetState & { phase: "committed" }, event: TargetEvent): TargetStep {
  if (event.type === "resuming" && !state.running) {
    return { state: { phase: "committed", running: true }, actions: [{ type: "tell-running" }] };
  }
  if (event.type === "filled") return { state: { phase: "filled" }, actions: [{ type: "finish" }] };
  // Too late to give back: whoever owns the record decides what becomes of the server.
  if (event.type === "failed") return { state: { phase: "lost", reason: event.reason }, actions: [{ type: "finish" }] };
  return stay(state);
}

/** The tasks must not run, but the commit may have been heard: what it left decides about the volume, so the record is asked until it answers. */
function dying(state: TargetState & { phase: "committing" }, reason: string): TargetStep {
  if (state.dead !== undefined) return stay(state);
  return {
    state: { ...state, dead: reason },
    actions: [
      { type: "answer", verdict: "no" },
      { type: "ask-abort", reason },
    ],
  };
}

function refuse(reason: string): TargetStep {
  return {
    state: { phase: "discarded", reason },
    actions: [
      { type: "answer", verdict: "no" },
      { type: "ask-abort", reason },
      { type: "tell-refused", reason },
      { type: "finish" },
    ],
  };
}

function discarded(reason: string): TargetStep {
  return {
    state: { phase: "discarded", reason },
    actions: [{ type: "answer", verdict: "no" }, { type: "tell-refused", reason }, { type: "finish" }],
  };
}

function stay(state: TargetState): TargetStep {
  return { state, actions: [] };
}
