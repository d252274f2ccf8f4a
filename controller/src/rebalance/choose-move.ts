import type { Migration, Node, RebalanceSpec } from "@vfleet/shared";
import { formatBytesForPeople } from "@vfleet/shared";
import type { Candidate } from "../scheduler/placement.ts";
import { fittingTargets } from "./fitting-targets.ts";
import type { MoveCost } from "./move-cost.ts";
import { costOf } from "./move-cost.ts";
import type { NodeLoad, ServerLoad } from "./node-load.ts";
import { shareOn } from "./node-load.ts";
import type { Overload } from "./overload.ts";

export interface ChoiceView {
  source: NodeLoad;
  overload: Overload;
  spec: Pick<RebalanceSpec, "marginPercent" | "targetLoadPercent" | "thresholds">;
  /** That may take something in: neither overloaded nor part of a move. */
  targets: readonly NodeLoad[];
  nodes: readonly Node[];
  candidates: readonly Candidate[];
  /** Of the whole fleet. */
  migrations: readonly Migration[];
  /** Why a server is left alone, wherever there is room. */
  objectionTo: (server: ServerLoad) => string | undefined;
}

export interface ChosenMove {
  server: ServerLoad;
  target: string;
  cost: MoveCost;
  gainPercent: number;
  sourceLoadPercent: number;
  targetLoadPercent: number;
}

export interface Verdict {
  server: string;
  verdict: string;
}

/** Of a node with many servers those that use most; of many nodes those that are used least. */
const serversMax = 64;
const targetsMax = 32;

/** The server whose move relieves a node most for what it costs, and what is to be said of the others. */
export function chooseMove(view: ChoiceView): { move?: ChosenMove; verdicts: Verdict[] } {
  const { resource } = view.overload;
  const servers = [...view.source.servers.values()]
    .toSorted((a, b) => shareOn(view.source, b)[resource] - shareOn(view.source, a)[resource] || compareNames(a, b))
    .slice(0, serversMax);
  const targets = view.targets
    .toSorted((a, b) => a.load.cpu + a.load.memory - b.load.cpu - b.load.memory || a.name.localeCompare(b.name))
    .slice(0, targetsMax);
  const options: ChosenMove[] = [];
  const refused: Verdict[] = [];
  for (const server of servers) {
    const found = bestTarget(view, server, targets);
    if (typeof found === "string") refused.push({ server: nameOf(server), verdict: found });
    else options.push(found);
  }
  const byWorth = options.toSorted(
    (a, b) => worth(view, b) - worth(view, a) || b.gainPercent - a.gainPercent || compareNames(a.server, b.server),
  );
  const verdicts = byWorth.map((move) => ({ server: nameOf(move.server), verdict: moveText(view, move) }));
  const [move] = byWorth;
  return { ...(move === undefined ? {} : { move }), verdicts: [...verdicts, ...refused] };
}

/** `to host-2: host-1 142 % -> 95 %, host-2 30 % -> 77 %; a pause of 420 ms and 64.0 MiB`. */
export function moveText({ source, overload, targets }: ChoiceView, move: ChosenMove): string {
  const before = (load: NodeLoad | undefined) => Math.round(load?.load[overload.resource] ?? 0);
  const target = targets.find(({ name }) => name === move.target);
  const { pauseMs, bytes } = move.cost;
  return (
    `to ${move.target}: ${source.name} ${before(source)} % -> ${Math.round(move.sourceLoadPercent)} %, ` +
    `${move.target} ${before(target)} % -> ${Math.round(move.targetLoadPercent)} %; ` +
    `a pause of ${Math.round(pauseMs)} ms and ${formatBytesForPeople(bytes)} are predicted`
  );
}

/** The target after which the worse of both nodes is best off, or why there is none. */
function bestTarget(view: ChoiceView, server: ServerLoad, targets: readonly NodeLoad[]): ChosenMove | string {
  const objection = view.objectionTo(server);
  if (objection !== undefined) return objection;
  if (view.overload.resource === "io" && server.ioPercent === undefined)
    return "its node's kernel doesn't count how long it waits for disks";
  const fitting = fittingTargets(server.server, view);
  if ("unfit" in fitting) return fitting.unfit;
  const tried = targets.filter(({ name }) => fitting.names.has(name)).map((target) => simulate(view, server, target));
  const moves = tried.filter((outcome) => typeof outcome !== "string");
  const best = moves.toSorted((a, b) => b.gainPercent - a.gainPercent)[0];
  return (
    best ?? tried.find((outcome) => typeof outcome === "string") ?? "no node that it fits on may take anything now"
  );
}

/** How both nodes would be after a move, or why it isn't worth it. */
function simulate(view: ChoiceView, server: ServerLoad, target: NodeLoad): ChosenMove | string {
  const { source, spec } = view;
  const { resource } = view.overload;
  const share = shareOn(target, server);
  const overfilled = overfills(spec, target, share);
  if (overfilled !== undefined) return overfilled;
  const before = source.load[resource] ?? 0;
  const sourceLoadPercent = before - shareOn(source, server)[resource];
  const targetLoadPercent = (target.load[resource] ?? 0) + share[resource];
  const gainPercent = before - Math.max(sourceLoadPercent, targetLoadPercent);
  if (gainPercent < spec.marginPercent) {
    return `too little would be won: ${gainPercent.toFixed(1)} % on ${target.name}, ${spec.marginPercent} % are needed`;
  }
  const cost = costOf(view, server, target.name);
  if (cost.pauseMs > cost.pauseMaxMs)
    return `its predicted pause of ${Math.round(cost.pauseMs)} ms is above its maxDowntimeMs ${cost.pauseMaxMs}`;
  return { server, target: target.name, cost, gainPercent, sourceLoadPercent, targetLoadPercent };
}

/** By measured use; the requests are the scheduler's. */
function overfills(
  { marginPercent, targetLoadPercent, thresholds }: ChoiceView["spec"],
  target: NodeLoad,
  share: ReturnType<typeof shareOn>,
): string | undefined {
  const memory = target.load.memory + share.memory;
  const cpu = target.load.cpu + share.cpu;
  const io = (target.load.io ?? 0) + share.io;
  const sentence = (what: string, value: number, most: number) =>
    `it would overload ${target.name}: ${what} ${Math.round(value)} %, ${most} % may be`;
  if (memory > targetLoadPercent) return sentence("memory", memory, targetLoadPercent);
  // Alone on a node it keeps nobody waiting, whatever it wants.
  if (cpu > targetLoadPercent && target.load.cpu >= marginPercent) return sentence("CPU", cpu, targetLoadPercent);
  if (io >= thresholds.ioPressurePercent) return sentence("I/O pressure", io, thresholds.ioPressurePercent);
  return undefined;
}

/** More than what brings the node to where a target may be is not needed. */
function worth({ source, overload: { resource }, spec }: ChoiceView, { gainPercent, cost }: ChosenMove): number {
  const full = resource === "io" ? spec.thresholds.ioPressurePercent : 100;
  const needed = (source.load[resource] ?? 0) - (full * spec.targetLoadPercent) / 100;
  return Math.min(gainPercent, Math.max(spec.marginPercent, needed)) / cost.price;
}

function compareNames(a: ServerLoad, b: ServerLoad): number {
  return nameOf(a).localeCompare(nameOf(b));
}

function nameOf({ server }: ServerLoad): string {
  return `${server.metadata.namespace ?? "default"}/${server.metadata.name}`;
}
