import type { Node, VirtualServer } from "@vfleet/shared";
import { moveWishes } from "../reconcile/migration/move-wishes.ts";
import { unfitTargets } from "../reconcile/migration/movability.ts";
import { explain } from "../scheduler/explain.ts";
import type { Candidate } from "../scheduler/placement.ts";
import { demandOf } from "../scheduler/placement.ts";
import { fit } from "../scheduler/schedule.ts";

/** Nodes that a server may move to by its requests and wishes, whatever they are used; none: why. */
export function fittingTargets(
  server: VirtualServer,
  fleet: { nodes: readonly Node[]; candidates: readonly Candidate[] },
): { names: ReadonlySet<string> } | { unfit: string } {
  const source = fleet.nodes.find((node) => node.metadata.name === server.status?.nodeName);
  const demand = demandOf(server);
  const excluded = unfitTargets(fleet.nodes, source, moveWishes(server).mode);
  const { fitting, rejections } = fit(fleet.candidates, demand, excluded);
  if (fitting.length === 0) return { unfit: explain(rejections, demand) };
  return { names: new Set(fitting.map(({ name }) => name)) };
}
