import type { LeadershipRules } from "./leadership-step.ts";

/** Clocks may differ in their rate by this share, and a member that votes still keeps its word for longer than the leader counts on it. */
const clockShare = 0.1;

/** How long a member keeps its word. */
export function voteMsOf(leaseMs: number): number {
  return leaseMs * (1 + clockShare);
}

/** `rank`: place of this member among all; those before it go first. */
export function rulesOf({
  leaseMs,
  members,
  rank,
}: {
  leaseMs: number;
  members: number;
  rank: number;
}): LeadershipRules {
  return { members, leaseMs, renewMs: leaseMs / 5, answersMs: leaseMs / 3, delayMs: (rank * leaseMs) / 15 };
}
