import type { Rejection } from "./explain.ts";
import { explain } from "./explain.ts";
import { filters } from "./filters/filters.ts";
import type { Candidate, Demand } from "./placement.ts";
import type { Search } from "./search.ts";
import { scores } from "./scores/scores.ts";

export type Choice = { node: string } | { unschedulable: string };

/**
 * Picks a node, or says why none will do: then all were looked at. `excluded`: node to the reason why it is out of the question;
 * `search`: how many nodes are looked at, none: all.
 */
export function schedule(
  candidates: readonly Candidate[],
  demand: Demand,
  excluded: ReadonlyMap<string, string> = new Map(),
  search?: Search,
): Choice {
  const { fitting, rejections } = fit(candidates, demand, excluded, search);
  const chosen = best(fitting, demand);
  return chosen === undefined ? { unschedulable: explain(rejections, demand) } : { node: chosen.name };
}

/** Nodes that will do, and why the others won't; as many as `search` wants. */
export function fit(
  candidates: readonly Candidate[],
  demand: Demand,
  excluded: ReadonlyMap<string, string>,
  search?: Search,
): { fitting: Candidate[]; rejections: Rejection[] } {
  const tests = filters.flatMap((filter) => {
    const test = filter.prepare({ demand, excluded }, candidates);
    return test === undefined ? [] : [{ filter, test }];
  });
  const first = search?.first(candidates.length) ?? 0;
  const enough = search?.enough(candidates.length) ?? candidates.length;
  const fitting: Candidate[] = [];
  const rejections: Rejection[] = [];
  for (let looked = 0; looked < candidates.length && fitting.length < enough; looked++) {
    const candidate = candidates[(first + looked) % candidates.length];
    if (candidate === undefined) break;
    const rejection = reject(candidate, tests);
    if (rejection === undefined) fitting.push(candidate);
    else rejections.push(rejection);
  }
  search?.looked(fitting.length + rejections.length);
  return { fitting, rejections };
}

type PreparedTest = Pick<Rejection, "filter"> & { test: (candidate: Candidate) => Rejection["objection"] | undefined };

function reject(candidate: Candidate, tests: readonly PreparedTest[]): Rejection | undefined {
  for (const { filter, test } of tests) {
    const objection = test(candidate);
    if (objection !== undefined) return { node: candidate.name, filter, objection };
  }
  return undefined;
}

/** The most points; of equals, by name. */
function best(fitting: readonly Candidate[], demand: Demand): Candidate | undefined {
  const ratings = scores.flatMap((score) => {
    const rate = score.prepare(demand, fitting);
    return rate === undefined ? [] : [{ weight: score.weight, rate }];
  });
  let chosen: Candidate | undefined;
  let most = Number.NEGATIVE_INFINITY;
  for (const candidate of fitting) {
    let points = 0;
    for (const { weight, rate } of ratings) points += weight * rate(candidate);
    if (chosen !== undefined && (points < most || (points === most && candidate.name > chosen.name))) continue;
    [chosen, most] = [candidate, points];
  }
  return chosen;
}
