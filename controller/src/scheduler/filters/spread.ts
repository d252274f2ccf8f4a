import type { Filter } from "./filter.ts";

export const spread: Filter = {
  name: "spread",
  prepare: ({ demand }, [first]) => {
    const required = demand.spread.filter(({ isRequired }) => isRequired);
    if (required.length === 0 || first === undefined) return undefined;
    const { topology } = first;
    const rules = required.map((term) => ({
      key: term.topologyKey,
      selected: topology.selectedBy(term, demand),
      most: topology.lowest(term, demand) + term.maxSkew,
      missing: {
        detail: `without label ${term.topologyKey}, which it is spread over`,
        help: `label nodes with ${term.topologyKey}`,
      },
      full: { detail: `in a ${term.topologyKey} with ${term.maxSkew} more than the one with the fewest` },
    }));
    return ({ labels }) => {
      for (const { key, selected, most, missing, full } of rules) {
        const domain = labels[key];
        if (domain === undefined) return missing;
        if (selected(domain) >= most) return full;
      }
      return undefined;
    };
  },
  describe: ([{ detail = "" }]) => detail,
  help: ([{ help = "make room where the fewest are or raise maxSkew in placement.spread" }]) => help,
};
