import type {
  DisruptionBudget,
  Migration,
  Node,
  NodeTelemetry,
  OverloadedNode,
  RebalanceSpec,
  VirtualServer,
} from "@vfleet/shared";
import { isMigrationEnded, isNodeReady } from "@vfleet/shared";
import { DisruptionRoom } from "../reconcile/disruption/disruption-room.ts";
import type { Candidate } from "../scheduler/placement.ts";
import type { ChoiceView } from "./choose-move.ts";
import { chooseMove, moveText } from "./choose-move.ts";
import { movingNodes } from "./moving-nodes.ts";
import { objectionToRebalance } from "./movable.ts";
import type { NodeLoad } from "./node-load.ts";
import { nodeLoad } from "./node-load.ts";
import type { Overload } from "./overload.ts";
import { isPressed, overloadOf } from "./overload.ts";

export interface RebalanceView {
  spec: RebalanceSpec;
  /** Whether what is chosen is done. */
  mode: "Suggest" | "On";
  /** Somebody waits for this round: what is overloaded now counts, not for how long. */
  isAsked: boolean;
  nodes: readonly Node[];
  servers: readonly VirtualServer[];
  /** Of the whole fleet. */
  migrations: readonly Migration[];
  budgets: readonly DisruptionBudget[];
  candidates: readonly Candidate[];
  samples: readonly NodeTelemetry[];
}

export interface RebalanceAction {
  kind: "move" | "suggest";
  namespace: string;
  server: string;
  /** Of the Migration. */
  name: string;
  sourceNode: string;
  targetNode: string;
  message: string;
}

export interface RebalanceDecision {
  /** What the next round needs to know, and what an operator does. */
  state: OverloadedNode[];
  actions: RebalanceAction[];
  nodesWatched: number;
  explanation: string;
}

/** Stored with the policy, whose size is bounded. */
const nodesShownMax = 64;
const candidatesShownMax = 8;
/** Nodes for which a move is looked for in one round. */
const nodesTriedMax = 16;

interface Round {
  view: RebalanceView;
  now: string;
  loads: readonly NodeLoad[];
  /** Part of a move, or of one that has just ended: what was measured there says nothing of what comes. */
  moving: Set<string>;
  overloads: ReadonlyMap<string, Overload>;
  migrationsOf: ReadonlyMap<string, Migration[]>;
  room: DisruptionRoom;
  actions: RebalanceAction[];
  underWay: number;
  tried: number;
}

/** One round: which nodes are overloaded, for how long, and what would relieve them without harm to others. */
export function rebalanceStep(
  state: readonly Pick<OverloadedNode, "name" | "rounds" | "sampledAtMs">[],
  view: RebalanceView,
  now: string,
): RebalanceDecision {
  const loads = loadsOf(view);
  const overloads = new Map(
    loads.flatMap((load) => {
      const overload = overloadOf(load, view.spec);
      return overload === undefined ? [] : [[load.name, overload] as const];
    }),
  );
  const open = view.migrations.filter((migration) => !isMigrationEnded(migration));
  const round: Round = {
    view,
    now,
    loads,
    moving: movingNodes(view, { now, settleMs: settleMs(view.spec) }),
    overloads,
    migrationsOf: Map.groupBy(view.migrations, ({ metadata, spec }) => `${metadata.namespace}/${spec.server}`),
    room: new DisruptionRoom(view),
    actions: [],
    underWay: open.filter(({ spec }) => spec.reason === "Rebalance").length,
    tried: 0,
  };
  const before = new Map(state.map((entry) => [entry.name, entry]));
  const overloaded = loads
    .flatMap((load) => {
      const overload = overloads.get(load.name);
      return overload === undefined ? [] : [{ load, overload }];
    })
    .toSorted((a, b) => b.overload.severity - a.overload.severity || a.load.name.localeCompare(b.load.name));
  const nodes = overloaded.map(({ load, overload }) =>
    judged(round, { load, overload, before: before.get(load.name) }),
  );
  return {
    state: nodes.slice(0, nodesShownMax),
    actions: round.actions,
    nodesWatched: loads.length,
    explanation: explanationOf(round, nodes.length),
  };
}

/** The average that isn't longer than a round: what was before a move doesn't count for the next one. */
function windowOf({ intervalSeconds }: RebalanceSpec) {
  return intervalSeconds >= 60 ? "avg60Percent" : "avg10Percent";
}

/** Until averages have forgotten a move. */
function settleMs({ intervalSeconds }: RebalanceSpec): number {
  return Math.max(20, Math.min(60, intervalSeconds)) * 1000;
}

function loadsOf({ nodes, servers, samples, spec }: RebalanceView): NodeLoad[] {
  const sampleOf = new Map(samples.map((sample) => [sample.node, sample]));
  const serversOn = Map.groupBy(servers, (server) => server.status?.nodeName);
  return nodes.flatMap((node) => {
    const sample = sampleOf.get(node.metadata.name);
    if (sample === undefined || !isNodeReady(node)) return [];
    return nodeLoad({ node, sample, servers: serversOn.get(node.metadata.name) ?? [], window: windowOf(spec) }) ?? [];
  });
}

interface Judged {
  load: NodeLoad;
  overload: Overload;
  before: Pick<OverloadedNode, "rounds" | "sampledAtMs"> | undefined;
}

function judged(round: Round, node: Judged): OverloadedNode {
  const { load, overload } = node;
  const { spec, isAsked } = round.view;
  const rounds = round.moving.has(load.name) ? 0 : roundsOf(node, isAsked);
  const about = {
    name: load.name,
    resource: overload.resource,
    rounds,
    sampledAtMs: load.sampledAtMs,
    load: rounded(load.load),
    pressure: rounded(load.pressurePercent),
    candidates: [],
    candidatesLeftOut: 0,
  };
  const waits = waitReason(round, load.name, rounds);
  if (waits !== undefined) return { ...about, message: `${overload.message}: ${waits}` };
  round.tried++;
  const choice: ChoiceView = { ...round.view, source: load, overload, targets: targetsOf(round), objectionTo };
  const { move, verdicts } = chooseMove(choice);
  const candidates = verdicts.slice(0, candidatesShownMax);
  const shown = { ...about, candidates, candidatesLeftOut: verdicts.length - candidates.length };
  if (move === undefined) {
    const why = verdicts.length === 0 ? "no server on it was measured" : "no server's move would help";
    return { ...shown, message: `${overload.message}: ${why}` };
  }
  const { server } = move.server;
  const name = `${server.metadata.namespace ?? "default"}/${server.metadata.name}`;
  const verb = round.view.mode === "On" ? "moves" : "should move";
  const message = `${overload.message}: ${name} ${verb} ${moveText(choice, move)}`;
  const action = actionOf(round, load.name, { server, targetNode: move.target, message });
  return {
    ...shown,
    message,
    move: {
      server: name,
      targetNode: move.target,
      ...(action.kind === "move" ? { migration: action.name } : {}),
      predictedPauseMs: Math.round(move.cost.pauseMs),
      bytes: Math.round(move.cost.bytes),
      gainPercent: tenths(move.gainPercent),
      sourceLoadPercent: tenths(move.sourceLoadPercent),
      targetLoadPercent: tenths(move.targetLoadPercent),
    },
  };

  function objectionTo({ server }: { server: VirtualServer }): string | undefined {
    const objection = objectionToRebalance({
      server,
      migrations: round.migrationsOf.get(`${server.metadata.namespace}/${server.metadata.name}`) ?? [],
      node: round.view.nodes.find(({ metadata }) => metadata.name === load.name),
      now: round.now,
      cooldownMs: spec.cooldownSeconds * 1000,
      warmUpMs: spec.warmUpSeconds * 1000,
    });
    return objection ?? round.room.objection(server)?.message;
  }
}

/** Only what was measured anew counts once more. */
function roundsOf({ load, before }: Judged, isAsked: boolean): number {
  const known = before?.rounds ?? 0;
  return isAsked || before?.sampledAtMs === load.sampledAtMs ? known : known + 1;
}

/** Why nothing is looked for yet. */
function waitReason({ view, moving, underWay, tried }: Round, node: string, rounds: number): string | undefined {
  const { holdRounds, batch } = view.spec;
  if (moving.has(node)) return "a move from or to it is under way or has just ended";
  if (!view.isAsked && rounds < holdRounds) return `for ${rounds} of ${holdRounds} rounds`;
  if (underWay >= batch) return `waits for its turn, ${underWay} moves at a time in the fleet`;
  return tried >= nodesTriedMax ? "waits for the next round, others are worse" : undefined;
}

function targetsOf({ view, loads, moving, overloads }: Round): NodeLoad[] {
  return loads.filter((load) => !moving.has(load.name) && !overloads.has(load.name) && !isPressed(load, view.spec));
}

function actionOf(
  round: Round,
  sourceNode: string,
  { server, targetNode, message }: { server: VirtualServer; targetNode: string; message: string },
): RebalanceAction {
  const action: RebalanceAction = {
    kind: round.view.mode === "On" ? "move" : "suggest",
    namespace: server.metadata.namespace ?? "default",
    server: server.metadata.name,
    name: `${server.metadata.name}-rebalance-${Date.parse(round.now).toString(36)}`,
    sourceNode,
    targetNode,
    message,
  };
  round.actions.push(action);
  round.room.take(server);
  round.underWay++;
  round.moving.add(sourceNode).add(targetNode);
  return action;
}

function explanationOf({ view, loads, actions }: Round, overloaded: number): string {
  if (loads.length === 0) return "No node was measured lately";
  const watched = `${loads.length} ${loads.length === 1 ? "node" : "nodes"} measured`;
  if (overloaded === 0) return `${watched}, none overloaded`;
  const done = `${actions.length} ${actions.length === 1 ? "move" : "moves"} ${view.mode === "On" ? "begun" : "suggested"}`;
  return `${watched}, ${overloaded} overloaded, ${done}`;
}

function rounded(readings: { cpu?: number; memory?: number; io?: number }): OverloadedNode["load"] {
  return Object.fromEntries(Object.entries(readings).map(([name, value]) => [name, tenths(value)]));
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}
