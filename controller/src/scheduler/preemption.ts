import { filters } from "./filters/filters.ts";
import type { Amounts, Candidate, Demand } from "./placement.ts";
import { addAmounts, take } from "./placement.ts";
import { schedule } from "./schedule.ts";

/** A server that may be moved away for a more important one. */
export interface Victim {
  server: string;
  demand: Demand;
  /** Nodes that it can't be moved to, and why. */
  unfit: ReadonlyMap<string, string>;
}

export interface PreemptionView {
  candidates: readonly Candidate[];
  /** Of a server that fits nowhere. */
  demand: Demand;
  victimsOn: (node: string) => readonly Victim[];
}

export interface PreemptionPlan {
  node: string;
  moves: { server: string; targetNode: string }[];
}

/** Nodes looked at, those that lack least first. */
const nodesMax = 16;
/** Of one node. */
const victimsMax = 4;

const resources = ["milliCpu", "memoryBytes", "diskBytes", "servers"] as const;

/**
 * Servers to move away from one node so that the demand fits there, each with a place to go to; of several nodes the one with the fewest
 * moves, then with the least memory moved. None: no few moves make room. What is taken from the candidates meanwhile is given back.
 */
export function planPreemption(view: PreemptionView): PreemptionPlan | undefined {
  const plans = nodesThatLackLeast(view).flatMap((node) => planFor(node, view) ?? []);
  const [best] = plans.toSorted((a, b) => a.moves.length - b.moves.length || a.memoryBytes - b.memoryBytes);
  return best === undefined ? undefined : { node: best.node, moves: best.moves };
}

/** Where room is all that is missing. */
function nodesThatLackLeast({ candidates, demand }: PreemptionView): Candidate[] {
  const question = { demand, excluded: new Map<string, string>() };
  const tests = filters.flatMap((filter) =>
    filter.isFreedByMoves ? [] : (filter.prepare(question, candidates) ?? []),
  );
  return candidates
    .filter((candidate) => tests.every((test) => test(candidate) === undefined))
    .map((candidate) => ({ candidate, share: lackingShare(candidate, demand) }))
    .filter(({ share }) => share <= 1)
    .toSorted((a, b) => a.share - b.share)
    .slice(0, nodesMax)
    .map(({ candidate }) => candidate);
}

type Plan = PreemptionPlan & { memoryBytes: number };

function planFor(node: Candidate, view: PreemptionView): Plan | undefined {
  // The least important first; of equals the largest, so that few are moved.
  const victims = view
    .victimsOn(node.name)
    .toSorted((a, b) => a.demand.priority - b.demand.priority || b.demand.memoryBytes - a.demand.memoryBytes);
  const alone = victims.filter((victim) => isRoomWithout(node, [victim], view.demand)).slice(0, victimsMax);
  for (const victim of alone) {
    const plan = planOf(node, [victim], view);
    if (plan !== undefined) return plan;
  }
  return planOf(node, victims, view);
}

/** Moves these as far as they are needed and have a place to go to. */
function planOf(node: Candidate, victims: readonly Victim[], { candidates, demand }: PreemptionView): Plan | undefined {
  const byName = new Map(candidates.map((candidate) => [candidate.name, candidate]));
  const moved: { victim: Victim; targetNode: string }[] = [];
  const isRoom = (moves: typeof moved) =>
    isRoomWithout(
      node,
      moves.map(({ victim }) => victim),
      demand,
    );
  for (const victim of victims) {
    if (isRoom(moved) || moved.length === victimsMax) break;
    const excluded = new Map([...victim.unfit, [node.name, "where it runs"]]);
    const choice = schedule(candidates, victim.demand, excluded);
    if (!("node" in choice)) continue;
    take(byName.get(choice.node), victim.demand);
    moved.push({ victim, targetNode: choice.node });
  }
  for (const { victim, targetNode } of moved) take(byName.get(targetNode), victim.demand, -1);
  if (!isRoom(moved)) return undefined;
  // Those that were taken first may have become needless by those taken later.
  const needed = moved.reduce((kept, move) => {
    const without = kept.filter((other) => other !== move);
    return isRoom(without) ? without : kept;
  }, moved);
  return {
    node: node.name,
    moves: needed.map(({ victim, targetNode }) => ({ server: victim.server, targetNode })),
    memoryBytes: needed.reduce((sum, { victim }) => sum + victim.demand.memoryBytes, 0),
  };
}

function isRoomWithout(node: Candidate, victims: readonly Victim[], demand: Demand): boolean {
  const left = { ...node.used };
  for (const victim of victims) addAmounts(left, victim.demand, -1);
  return fits(node.allocatable, left, demand);
}

function amountOf(demand: Demand, resource: keyof Amounts): number {
  return resource === "servers" ? 1 : demand[resource];
}

function fits(allocatable: Amounts, used: Amounts, demand: Demand): boolean {
  return resources.every((resource) => used[resource] + amountOf(demand, resource) <= allocatable[resource]);
}

/** Of what it asks for, the largest share that is missing; above 1 where an empty node would be too small. */
function lackingShare({ allocatable, used }: Candidate, demand: Demand): number {
  const shares = resources.map((resource) => {
    const asked = amountOf(demand, resource);
    if (asked > allocatable[resource]) return Number.POSITIVE_INFINITY;
    const lacking = used[resource] + asked - allocatable[resource];
    return asked === 0 ? 0 : Math.max(0, Math.min(1, lacking / asked));
  });
  return Math.max(...shares);
}
