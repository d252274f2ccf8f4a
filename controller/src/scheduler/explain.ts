import type { Filter, Objection, ObjectionGroup } from "./filters/filter.ts";
import type { Demand } from "./placement.ts";

export interface Rejection {
  node: string;
  filter: Filter;
  objection: Objection;
}

interface Group {
  filter: Filter;
  objections: [Objection, ...Objection[]];
}

const helpMax = 3;

/** `0/5 nodes fit: 3 cordoned, 2 too little memory (requested 4Gi, free at most 1Gi); uncordon one or lower requests.memory`. */
export function explain(rejections: readonly Rejection[], demand: Demand): string {
  if (rejections.length === 0) return "no node has joined the fleet";
  const groups = groupsOf(rejections);
  const parts = groups.map(({ filter, objections }) => `${objections.length} ${filter.describe(objections, demand)}`);
  const helps = groups.flatMap(
    ({ filter, objections }) => filter.help?.(objections satisfies ObjectionGroup, demand) ?? [],
  );
  const help = [...new Set(helps)].slice(0, helpMax).join(" or ");
  return `0/${rejections.length} nodes fit: ${parts.join(", ")}${help === "" ? "" : `; ${help}`}`;
}

/** The largest first. */
function groupsOf(rejections: readonly Rejection[]): Group[] {
  const groups = new Map<string, Group>();
  for (const { filter, objection } of rejections) {
    const key = `${filter.name} ${objection.detail ?? ""}`;
    const known = groups.get(key);
    if (known === undefined) groups.set(key, { filter, objections: [objection] });
    else known.objections.push(objection);
  }
  return [...groups.values()].toSorted((a, b) => b.objections.length - a.objections.length);
}
