/** One try, or one renewal, of one process that wants to lead; a process that starts again is another candidate. */
export interface Ballot {
  candidate: string;
  /** Grows with each question of the candidate. */
  round: number;
}

/** What a member has promised, on its own monotonic clock: nobody but this candidate gets its vote before `untilMs`. */
interface Vote extends Ballot {
  untilMs: number;
}

export interface VoteState {
  /** Until then an earlier life of this member may have promised what this one doesn't know of. */
  quietUntilMs: number;
  vote?: Vote | undefined;
}

type VoteEvent = { type: "asked"; ballot: Ballot; voteMs: number } | { type: "released"; ballot: Ballot };

/** Whether the candidate would get the vote. */
export function isFree(state: VoteState, candidate: string, nowMs: number): boolean {
  if (nowMs < state.quietUntilMs) return false;
  return state.vote === undefined || state.vote.candidate === candidate || nowMs >= state.vote.untilMs;
}

/** A member's part in who leads: it gives its vote to one candidate at a time, for a while. */
export function voteStep(state: VoteState, event: VoteEvent, nowMs: number): { state: VoteState; isGranted: boolean } {
  const { ballot } = event;
  if (event.type === "released") {
    // One that was given again since is kept: the word of its release was late.
    const isReleased = state.vote?.candidate === ballot.candidate && state.vote.round <= ballot.round;
    return { state: isReleased ? { ...state, vote: undefined } : state, isGranted: false };
  }
  if (!isFree(state, ballot.candidate, nowMs)) return { state, isGranted: false };
  const round = state.vote?.candidate === ballot.candidate ? Math.max(state.vote.round, ballot.round) : ballot.round;
  return { state: { ...state, vote: { ...ballot, round, untilMs: nowMs + event.voteMs } }, isGranted: true };
}
