import type { Migration, NodeTelemetry, RebalanceSpec, VirtualServer } from "@vfleet/shared";
import { isMigrationEnded, rebalancePolicySchema } from "@vfleet/shared";
import { candidatesOf } from "../scheduler/fleet-index.ts";
import { placedStatus, sampleMigration, sampleNode, sampleServer } from "../reconcile/samples.ts";
import type { RebalanceDecision, RebalanceView } from "./rebalance-step.ts";
import { rebalanceStep } from "./rebalance-step.ts";
import { stall, usage } from "./sample-telemetry.ts";

const startMs = Date.parse("2026-01-01T00:00:00.000Z");
const usualTickMs = 5000;
const moveMs = 20_000;
export const nodeMilliCpu = 4000;

export function policySpec(changes: object = {}): RebalanceSpec {
  return rebalancePolicySchema.parse({
    apiVersion: "vfleet.dev/v1",
    kind: "RebalancePolicy",
    metadata: { name: "default" },
    spec: { mode: "On", warmUpSeconds: 0, ...changes },
  }).spec;
}

/** A generator of [0, 1) that one seed repeats (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface SimulatedServer {
  name: string;
  node: string;
  /** Thousandths of a CPU that it wants. */
  demand: (atMs: number) => number;
  /** That its host keeps for it; none: the default. */
  requestMilliCpu?: number;
}

export interface SimulatedMove {
  server: string;
  from: string;
  to: string;
  atMs: number;
}

export interface SimulatedOutcome {
  moves: SimulatedMove[];
  /** CPU time that was wanted from `fromMs` on and not had, seconds. */
  unservedSeconds: (fromMs: number) => number;
  /** Of all nodes together: how long their pressure was above the policy's threshold. */
  overloadedSeconds: number;
}

/** An hour, or as long as asked, of nodes that divide their CPUs among what their servers want, and of moves that take 20 s. */
export function simulateFleet(options: {
  nodes: number;
  servers: readonly SimulatedServer[];
  spec: RebalanceSpec;
  mode: RebalanceView["mode"];
  forMs: number;
  /** Whether kernels count how long each server waits, or only how long something on a node does. */
  countsServers: boolean;
  tickMs?: number;
}): SimulatedOutcome {
  const { spec, mode, tickMs = usualTickMs } = options;
  const nodes = Array.from({ length: options.nodes }, (_, index) => sampleNode(`host-${index + 1}`));
  const servers = new Map<string, VirtualServer>();
  const demands = new Map(options.servers.map(({ name, demand }) => [name, demand]));
  for (const { name, node, requestMilliCpu } of options.servers) {
    const requests = requestMilliCpu === undefined ? {} : { requests: { cpu: `${Math.round(requestMilliCpu)}m` } };
    servers.set(name, sampleServer(name, { status: placedStatus(node), spec: { resources: requests } }));
  }
  const averages = new Map<string, number>();
  const migrations: Migration[] = [];
  const moves: SimulatedMove[] = [];
  const unserved: { atMs: number; milliCpu: number }[] = [];
  let state: RebalanceDecision["state"] = [];
  let overloadedSeconds = 0;
  for (let atMs = 0; atMs <= options.forMs; atMs += tickMs) {
    endMoves(migrations, servers, atMs);
    const samples = sampleAll(nodes.map(({ metadata }) => metadata.name));
    const excess = samples.reduce((sum, { wanted }) => sum + Math.max(0, wanted - nodeMilliCpu), 0);
    unserved.push({ atMs, milliCpu: excess });
    const pressed = samples.filter(({ stallPercent }) => stallPercent >= spec.thresholds.cpuPressurePercent);
    overloadedSeconds += (pressed.length * tickMs) / 1000;
    if (atMs % (spec.intervalSeconds * 1000) !== 0) continue;
    const all = [...servers.values()];
    const fleet = { nodes, servers: all, migrations, images: [] };
    const now = new Date(startMs + atMs).toISOString();
    const view = { ...fleet, spec, mode, isAsked: false, budgets: [], candidates: candidatesOf(fleet) };
    const decision = rebalanceStep(state, { ...view, samples: samples.map(({ telemetry }) => telemetry) }, now);
    state = decision.state;
    for (const action of decision.actions.filter(({ kind }) => kind === "move")) {
      const { server, sourceNode, targetNode } = action;
      const status = { phase: "Preparing" as const, sourceNode, targetNode, startedAt: now };
      const spec = { server, targetNode, reason: "Rebalance" };
      migrations.push(sampleMigration(action.name, { spec, status, metadata: { creationTimestamp: now } }));
      moves.push({ server, from: sourceNode, to: targetNode, atMs });
    }
  }
  return {
    moves,
    overloadedSeconds,
    unservedSeconds: (fromMs) =>
      unserved.filter(({ atMs }) => atMs >= fromMs).reduce((sum, entry) => sum + (entry.milliCpu * tickMs) / 1e6, 0),
  };

  function sampleAll(names: readonly string[]): { telemetry: NodeTelemetry; wanted: number; stallPercent: number }[] {
    const atMs = unserved.length * tickMs;
    const on = Map.groupBy(servers.values(), (server) => server.status?.nodeName);
    return names.map((node) => sampleNodeAt(node, on.get(node) ?? [], atMs));
  }

  function sampleNodeAt(node: string, here: readonly VirtualServer[], atMs: number) {
    const wants = here.map((server) => demands.get(server.metadata.name)?.(atMs) ?? 0);
    const wanted = wants.reduce((sum, value) => sum + value, 0);
    const given = Math.min(1, nodeMilliCpu / Math.max(1, wanted));
    const stallPercent = averaged(node, (1 - given) * 100);
    const telemetry: NodeTelemetry = {
      node,
      atMs: startMs + atMs,
      host: { ...usage(wanted * given, 2 ** 30), pressure: { cpu: stall(stallPercent) } },
      servers: here.map((server, index) => ({
        uid: server.metadata.uid ?? "",
        namespace: "default",
        name: server.metadata.name,
        usage: usage((wants[index] ?? 0) * given, 50e6),
        pressure: options.countsServers ? { cpu: stall(stallPercent) } : {},
      })),
    };
    return { telemetry, wanted, stallPercent };
  }

  /** As the kernel's average over a minute does. */
  function averaged(node: string, nowPercent: number): number {
    const share = Math.exp(-tickMs / 60_000);
    const average = (averages.get(node) ?? 0) * share + nowPercent * (1 - share);
    averages.set(node, average);
    return average;
  }
}

function endMoves(migrations: Migration[], servers: Map<string, VirtualServer>, atMs: number): void {
  const nowMs = startMs + atMs;
  for (const migration of migrations.filter((candidate) => !isMigrationEnded(candidate))) {
    const { status, spec } = migration;
    if (status === undefined || nowMs - Date.parse(status.startedAt ?? "") < moveMs) continue;
    Object.assign(status, { phase: "Succeeded", endedAt: new Date(nowMs).toISOString(), pauseMs: 200 });
    const server = servers.get(spec.server);
    if (server !== undefined) servers.set(spec.server, { ...server, status: placedStatus(status.targetNode ?? "") });
  }
}
