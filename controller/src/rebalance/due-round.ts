import type { RebalancePolicy } from "@vfleet/shared";

export type DueRound =
  | { kind: "round"; mode: "Suggest" | "On"; isAsked: boolean }
  | { kind: "wait"; ms: number }
  | { kind: "off" };

/** Whether a round is due: asked for, or an interval after the last one. Taken from the stored policy, so that a restart changes nothing. */
export function dueRound({ spec, status }: Pick<RebalancePolicy, "spec" | "status">, nowMs: number): DueRound {
  const { request } = spec;
  if (request !== undefined && request.id !== status?.answeredRequest)
    return { kind: "round", mode: request.mode, isAsked: true };
  if (spec.mode === "Off") return { kind: "off" };
  const intervalMs = spec.intervalSeconds * 1000;
  const lastMs = Date.parse(status?.lastRoundAt ?? "") || 0;
  // Whoever made the last one may have had a clock ahead of this one's.
  const waitMs = Math.min(intervalMs, lastMs + intervalMs - nowMs);
  return waitMs > 0 ? { kind: "wait", ms: waitMs } : { kind: "round", mode: spec.mode, isAsked: false };
}
