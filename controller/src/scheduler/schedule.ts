import { explain, filter } from "./filter.ts";
import type { Candidate, Demand } from "./placement.ts";
import { best } from "./score.ts";

export type Choice = { node: string } | { unschedulable: string };

/** Picks a node, or says why none will do. `excluded`: node to the reason why it is out of the question. */
export function schedule(
  candidates: readonly Candidate[],
  demand: Demand,
  excluded?: ReadonlyMap<string, string>,
): Choice {
  const { fitting, rejections } = filter(candidates, demand, excluded);
  const chosen = best(fitting, demand);
  return chosen === undefined ? { unschedulable: explain(rejections, demand) } : { node: chosen.name };
}
