export interface LeadershipRules {
  /** How many members there are: more than half of them make a leader. */
  members: number;
  /** How long votes count, from before they were asked for. Members keep to theirs for longer: no clocks need to agree. */
  leaseMs: number;
  renewMs: number;
  /** How long a candidate waits for votes before it gives those that it got back. */
  answersMs: number;
  /** How long this member lets others go first. */
  delayMs: number;
}

export interface LeadershipState {
  role: "standby" | "candidate" | "leader" | "ended";
  round: number;
  askedAtMs: number;
  /** Members that voted in this round. */
  votes: ReadonlySet<string>;
  /** When a standby may ask, a candidate gives up, a leader renews. */
  dueMs: number;
  /** It leads before this, and at no time after it. */
  untilMs: number;
}

export type LeadershipEvent =
  /** `isFree`: this member's own vote. `random`: of [0, 1). */
  | { type: "tick"; isFree: boolean; random: number }
  | { type: "vote"; member: string; round: number }
  | { type: "resign" };

interface LeadershipAction {
  type: "ask" | "release" | "won" | "lost";
  round: number;
}

interface Stepped {
  state: LeadershipState;
  actions: readonly LeadershipAction[];
}

export const firstState: LeadershipState = {
  role: "standby",
  round: 0,
  askedAtMs: 0,
  votes: new Set(),
  dueMs: 0,
  untilMs: 0,
};

/**
 * How one process comes to lead and ceases to: as long as more than half of the members vote for it. Times are of its own monotonic clock. Who
 * ceased never leads again: the process ends, and a new one begins with nothing in memory.
 */
export function leadershipStep(
  state: LeadershipState,
  event: LeadershipEvent,
  { rules, nowMs }: { rules: LeadershipRules; nowMs: number },
): Stepped {
  if (state.role === "ended") return { state, actions: [] };
  if (event.type === "vote") return onVote(state, event, { rules, nowMs });
  if (event.type === "resign") return end(state, "release");
  if (state.role === "leader") {
    if (nowMs >= state.untilMs) return end(state, "lost");
    return nowMs < state.dueMs ? keep(state) : renew(state, { rules, nowMs });
  }
  if (state.role === "candidate") {
    if (nowMs < state.dueMs) return keep(state);
    const dueMs = nowMs + rules.answersMs * (0.5 + event.random);
    return { state: { ...state, role: "standby", dueMs }, actions: [{ type: "release", round: state.round }] };
  }
  if (!event.isFree) return keep({ ...state, dueMs: Math.max(state.dueMs, nowMs + rules.delayMs) });
  return nowMs < state.dueMs ? keep(state) : ask({ ...state, role: "candidate" }, nowMs, rules.answersMs);
}

function onVote(
  state: LeadershipState,
  { member, round }: { member: string; round: number },
  { rules, nowMs }: { rules: LeadershipRules; nowMs: number },
): Stepped {
  if (state.role === "standby" || round !== state.round) return keep(state);
  const votes = new Set([...state.votes, member]);
  const untilMs = Math.max(state.untilMs, state.askedAtMs + rules.leaseMs);
  // Too late to lead by them, or, for a leader, too late to go on: the next tick ends it.
  const isTooLate = nowMs >= (state.role === "leader" ? state.untilMs : untilMs);
  if (votes.size * 2 <= rules.members || isTooLate) return keep({ ...state, votes });
  if (state.role === "leader") return keep({ ...state, votes, untilMs });
  const dueMs = state.askedAtMs + rules.renewMs;
  return { state: { ...state, role: "leader", votes, untilMs, dueMs }, actions: [{ type: "won", round }] };
}

/** Answers that are slow but not lost would never count if each question made the one before void. */
function renew(state: LeadershipState, { rules, nowMs }: { rules: LeadershipRules; nowMs: number }): Stepped {
  const isOpen = state.votes.size * 2 <= rules.members && nowMs < state.askedAtMs + rules.leaseMs / 2;
  if (!isOpen) return ask(state, nowMs, rules.renewMs);
  const { round } = state;
  return { state: { ...state, dueMs: nowMs + rules.renewMs }, actions: [{ type: "ask", round }] };
}

function ask(state: LeadershipState, nowMs: number, waitMs: number): Stepped {
  const round = state.round + 1;
  const next = { ...state, round, askedAtMs: nowMs, votes: new Set<string>(), dueMs: nowMs + waitMs };
  return { state: next, actions: [{ type: "ask", round }] };
}

function end(state: LeadershipState, type: "lost" | "release"): Stepped {
  return { state: { ...state, role: "ended", untilMs: 0 }, actions: [{ type, round: state.round }] };
}

function keep(state: LeadershipState): Stepped {
  return { state, actions: [] };
}
