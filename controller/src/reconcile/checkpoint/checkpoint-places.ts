import type { CheckpointStatus, Node, NodeReport } from "@vfleet/shared";
import { isNodeReady } from "@vfleet/shared";
import type { Candidate, Demand } from "../../scheduler/placement.ts";
import { schedule, type Choice } from "../../scheduler/schedule.ts";

const zoneLabel = "topology.kubernetes.io/zone";

/** What CRIU needs the same on both hosts; flags of processors are compared by the host itself. */
export function misfit(
  versions: CheckpointStatus["versions"],
  info: NodeReport["info"] | undefined,
): string | undefined {
  if (versions === undefined || info === undefined) return undefined;
  const pairs = [
    ["CRIU", versions.criu, info.criuVersion],
    ["runc", versions.runc, info.runcVersion],
    ["architecture", nameOf(versions.architecture), nameOf(info.architecture)],
  ] as const;
  const different = pairs.find(([, needed, found]) => needed !== found);
  return different === undefined ? undefined : `${different[0]} ${different[1]} is needed, found ${different[2]}`;
}

function nameOf(architecture: string): string {
  return { x64: "amd64", x86_64: "amd64", aarch64: "arm64" }[architecture] ?? architecture;
}

export interface CopyView {
  nodes: readonly Node[];
  /** Nodes that have it, or had and may have it yet. */
  holders: readonly string[];
  versions: CheckpointStatus["versions"];
  infoOf: (node: string) => NodeReport["info"] | undefined;
  isAlive: (node: string) => boolean;
  /** How many checkpoints a node has. */
  heldBy: (node: string) => number;
}

/** A peer for one more copy: in a zone that has none, then the one with the fewest. */
export function chooseCopyNode(view: CopyView): Choice {
  const { nodes, holders, versions, infoOf, isAlive, heldBy } = view;
  const others = nodes.filter(({ metadata }) => !holders.includes(metadata.name));
  if (others.length === 0) return { unschedulable: "no other node is in the fleet" };
  const fitting = others.filter(
    (node) =>
      isAlive(node.metadata.name) &&
      isNodeReady(node) &&
      node.spec.unschedulable !== true &&
      node.metadata.deletionTimestamp === undefined &&
      misfit(versions, infoOf(node.metadata.name)) === undefined,
  );
  const zoneOf = (node: Node) => node.metadata.labels?.[zoneLabel];
  const taken = new Set(nodes.filter(({ metadata }) => holders.includes(metadata.name)).map(zoneOf));
  const rank = (node: Node) => (zoneOf(node) !== undefined && !taken.has(zoneOf(node)) ? 0 : 1);
  const [best] = fitting.toSorted(
    (a, b) =>
      rank(a) - rank(b) ||
      heldBy(a.metadata.name) - heldBy(b.metadata.name) ||
      a.metadata.name.localeCompare(b.metadata.name),
  );
  if (best !== undefined) return { node: best.metadata.name };
  return { unschedulable: `of ${others.length} other nodes none is ready, open and of its versions` };
}

export interface RestorePlaceView {
  candidates: readonly Candidate[];
  demand: Demand;
  /** Asked for. */
  node: string | undefined;
  /** Living nodes that have the checkpoint. */
  holders: readonly string[];
  versions: CheckpointStatus["versions"];
  infoOf: (node: string) => NodeReport["info"] | undefined;
}

/** Where a server can begin as a checkpoint: where that is, if it fits there, since it needn't travel then. */
export function chooseRestoreNode(view: RestorePlaceView): Choice {
  const { candidates, demand, node, holders, versions, infoOf } = view;
  const unfit = new Map(
    candidates.flatMap(({ name }) => {
      const reason = misfit(versions, infoOf(name));
      return reason === undefined ? [] : [[name, reason] as const];
    }),
  );
  if (node !== undefined)
    return schedule(
      candidates.filter(({ name }) => name === node),
      demand,
      unfit,
    );
  return schedule(candidates, { ...demand, checkpointNodes: new Set(holders) }, unfit);
}
