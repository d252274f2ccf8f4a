import { isPostCopyMode, type MoveMode } from "@vfleet/shared";
import type { Outcome } from "./ports.ts";

/**
 * The target's side of one move. Only the target asks to commit, so up to `restoring` it may give up by itself; from `committing`
 * on the ownership record decides; where no answer comes within the limit the restored tasks die, and the
 * record is asked to abort until it has said which of the two it was. In post-copy the source is needed until `filled`. A cold move has
 * nothing to restore: it asks to commit once its volume is in place, and is started after that.
 */
export type TargetState =
  | (Active & { phase: "receiving"; welcomed: boolean })
  | (Active & { phase: "restoring" })
  /** `dead`: why the restored tasks died meanwhile; the record may still say committed. */
  | (Active & { phase: "committing"; dead?: string })
  | (Active & { phase: "committed"; running: boolean })
  | { phase: "filled" }
  | { phase: "lost"; reason: string }
  | { phase: "discarded"; reason: string };

interface Active {
  mode: MoveMode;
}

export type TargetEvent =
  | { type: "accepted" }
  /** How the memory comes that no round has sent. */
  | { type: "rounds-ended"; mode: MoveMode }
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
  /** Cold. */
  | { type: "start-server" }
  | { type: "ask-commit" }
  /** Answers `post-restore`, now or when it is asked. */
  | { type: "answer"; verdict: "no" }
  | { type: "tell-committed" }
  /** Then answers `post-restore` with `go`, whatever became of the network. */
  | { type: "attach-network" }
  | { type: "tell-running" }
  | { type: "tell-filled" }
  | { type: "kill-tasks" }
  | { type: "tell-refused"; reason: string }
  | { type: "ask-abort"; reason: string }
  /** Tidies up; of a refused move removes everything. */
  | { type: "finish" };

export interface TargetStep {
  state: TargetState;
  actions: TargetAction[];
}

export function targetStart(mode: MoveMode): TargetState {
  return { mode, phase: "receiving", welcomed: false };
}

/** Events that mean nothing in a state change nothing: they are late. */
export function targetStep(state: TargetState, event: TargetEvent): TargetStep {
  switch (state.phase) {
    case "receiving":
      if (event.type === "accepted" && !state.welcomed)
        return { state: { ...state, welcomed: true }, actions: [{ type: "welcome" }] };
      if (event.type === "rounds-ended") return stay({ ...state, mode: event.mode });
      if (event.type === "complete") return afterComplete(state);
      if (event.type === "peer-lost" || event.type === "failed") return refuse(event.reason);
      return stay(state);
    case "restoring":
      if (event.type === "restored")
        return { state: { mode: state.mode, phase: "committing" }, actions: [{ type: "ask-commit" }] };
      if (isFatal(state, event)) return refuse(event.reason);
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

function afterComplete({ mode }: Active): TargetStep {
  return mode === "Cold"
    ? { state: { mode, phase: "committing" }, actions: [{ type: "ask-commit" }] }
    : { state: { mode, phase: "restoring" }, actions: [{ type: "start-restore" }] };
}

function stepCommitting(state: TargetState & { phase: "committing" }, event: TargetEvent): TargetStep {
  if (event.type === "commit-limit") return dying(state, "the commit was not confirmed in time");
  if (isFatal(state, event)) return dying(state, event.reason);
  if (event.type !== "outcome") return stay(state);
  if (event.outcome === "undecided") {
    const again: TargetAction =
      state.dead === undefined ? { type: "ask-commit" } : { type: "ask-abort", reason: state.dead };
    return { state, actions: [again] };
  }
  if (event.outcome === "aborted") return discarded("the ownership record says aborted");
  if (state.dead !== undefined && !isCold(state)) {
    return { state: { phase: "lost", reason: state.dead }, actions: [{ type: "tell-committed" }, { type: "finish" }] };
  }
  return {
    state: { mode: state.mode, phase: "committed", running: false },
    actions: [{ type: "tell-committed" }, { type: isCold(state) ? "start-server" : "attach-network" }],
  };
}

function stepCommitted(state: TargetState & { phase: "committed" }, event: TargetEvent): TargetStep {
  if (event.type === "resuming" && !state.running)
    return { state: { ...state, running: true }, actions: [{ type: "tell-running" }] };
  if (event.type === "filled") {
    const told: TargetAction[] = isPostCopyMode(state.mode) ? [{ type: "tell-filled" }] : [];
    return { state: { phase: "filled" }, actions: [...told, { type: "finish" }] };
  }
  // Too late to give back: whoever owns the record decides what becomes of the server. Without their memory the tasks must not run on.
  if (isFatal(state, event)) {
    const killed: TargetAction[] = isCold(state) ? [] : [{ type: "kill-tasks" }];
    return { state: { phase: "lost", reason: event.reason }, actions: [...killed, { type: "finish" }] };
  }
  return stay(state);
}

/** Nothing of it runs before the commit, so nothing can die. */
function isCold({ mode }: Active): boolean {
  return mode === "Cold";
}

/** Where the memory is still at the source, its loss is the server's. */
function isFatal(state: Active, event: TargetEvent): event is TargetEvent & { type: "failed" | "peer-lost" } {
  return event.type === "failed" || (event.type === "peer-lost" && isPostCopyMode(state.mode));
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
