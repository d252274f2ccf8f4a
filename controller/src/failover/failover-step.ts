import type { Brake, BrakeMode } from "./storm-brake.ts";
import { brakeOf, nodesPerSecond } from "./storm-brake.ts";

export interface FailoverNode {
  name: string;
  zone: string;
  /** How long nothing was heard of it, by this controller's clock; never longer than this controller has been listening. */
  silentMs: number;
  /** Longest lease that it may have. */
  leaseMs: number;
  /** Servers of it that ask for more than to wait. */
  servers: number;
}

export interface FailoverView {
  /** Monotonic. */
  nowMs: number;
  nodes: readonly FailoverNode[];
  /** Beyond the lease: for what a clock or a busy host is late. */
  graceMs: number;
  /** Silence after which a node isn't well. */
  unhealthyAfterMs: number;
}

/** Kept from one look to the next. Begun anew it acts no sooner: silence is counted anew with it. */
export interface FailoverState {
  /** Per zone: nodes that may be acted upon, at most one, at that time. */
  allowance: ReadonlyMap<string, { nodes: number; atMs: number }>;
  /** Lost nodes that are acted upon until they are heard of. */
  acting: ReadonlySet<string>;
}

export interface FailoverDecision {
  state: FailoverState;
  /** In the order in which they were lost. */
  held: readonly { node: string; mode: BrakeMode }[];
  brake: Brake;
}

export const noFailover: FailoverState = { allowance: new Map(), acting: new Set() };

/** Which lost nodes' servers may be taken over: those whose lease and grace are over, as fast as the brake lets them. */
export function failoverStep(state: FailoverState, view: FailoverView): FailoverDecision {
  const { nodes, nowMs, graceMs } = view;
  const brake = brakeOf(nodes.map(({ zone, silentMs }) => ({ zone, isHealthy: silentMs <= view.unhealthyAfterMs })));
  const lost = nodes
    .filter(({ silentMs, leaseMs }) => silentMs > leaseMs + graceMs)
    .toSorted((a, b) => b.silentMs - a.silentMs || a.name.localeCompare(b.name));
  const acting = new Set(lost.filter(({ name }) => state.acting.has(name)).map(({ name }) => name));
  const allowance = grown(state.allowance, brake, nowMs);
  const held: { node: string; mode: BrakeMode }[] = [];
  for (const { name, zone, servers } of lost) {
    if (servers === 0 || acting.has(name)) continue;
    const mode = brake.zones.get(zone) ?? "stopped";
    const left = allowance.get(zone) ?? { nodes: 0, atMs: nowMs };
    if (mode === "stopped" || left.nodes < 1) {
      held.push({ node: name, mode });
      continue;
    }
    allowance.set(zone, { ...left, nodes: left.nodes - 1 });
    acting.add(name);
  }
  return { state: { allowance, acting }, held, brake };
}

function grown(
  before: FailoverState["allowance"],
  brake: Brake,
  nowMs: number,
): Map<string, { nodes: number; atMs: number }> {
  return new Map(
    [...brake.zones].map(([zone, mode]) => {
      const known = before.get(zone) ?? { nodes: 1, atMs: nowMs };
      const more = (nodesPerSecond[mode] * Math.max(0, nowMs - known.atMs)) / 1000;
      return [zone, { nodes: Math.min(1, known.nodes + more), atMs: nowMs }];
    }),
  );
}
