import type { Filter } from "./filter.ts";

/** Apart from those that it names, and from those that name it. */
export const antiAffinity: Filter = {
  name: "anti-affinity",
  prepare: ({ demand }, [first]) => {
    if (first === undefined) return undefined;
    const { topology } = first;
    const wishes = demand.antiAffinity;
    const objectors = topology.objectors(demand);
    if (wishes.length === 0 && objectors.length === 0) return undefined;
    const wished = wishes.map((term) => ({
      key: term.topologyKey,
      selected: topology.selectedBy(term, demand),
      beside: { detail: `beside a server that it must not share ${term.topologyKey} with` },
    }));
    return ({ labels }) => {
      for (const { key, selected, beside } of wished) {
        const domain = labels[key];
        if (domain !== undefined && selected(domain) > 0) return beside;
      }
      for (const { topologyKey, isIn } of objectors) {
        const domain = labels[topologyKey];
        if (domain !== undefined && isIn(domain))
          return { detail: `beside a server that must not share ${topologyKey} with it` };
      }
      return undefined;
    };
  },
  describe: ([{ detail = "" }]) => detail,
  help: () => "add a node in another domain or change placement.antiAffinity",
};
