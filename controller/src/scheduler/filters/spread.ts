import type { Filter } from "./filter.ts";

export const spread: Filter = {
  name: "spread",
  prepare: ({ demand }, [first]) => {
    const required = demand.spread.filter(({ isRequired }) => isRequired);
    if (required.length === 0 || first === undefined) return undefined;
    const { topology } = first;
    const rules = required.map((term) => ({ term, most: topology.lowest(term, demand) + term.maxSkew }));
    return ({ labels }) => {
      for (const { term, most } of rules) {
        const domain = labels[term.topologyKey];
        if (domain === undefined) return { detail: `without label ${term.topologyKey}, which it is spread over` };
        if (topology.selectedIn(domain, term, demand) >= most)
          return { detail: `in a ${term.topologyKey} with ${term.maxSkew} more than the one with the fewest` };
      }
      return undefined;
    };
  },
  describe: ([{ detail = "" }]) => detail,
  help: () => "make room where the fewest are or raise maxSkew in placement.spread",
};
