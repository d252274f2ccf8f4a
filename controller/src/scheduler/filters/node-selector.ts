import type { Filter } from "./filter.ts";

export const nodeSelector: Filter = {
  name: "node-selector",
  prepare: ({ demand }) => {
    const wanted = Object.entries(demand.nodeSelector);
    if (wanted.length === 0) return undefined;
    return ({ labels }) => {
      const missing = wanted.find(([key, value]) => labels[key] !== value);
      return missing === undefined ? undefined : { detail: `${missing[0]}=${missing[1]}` };
    };
  },
  describe: ([{ detail = "" }]) => `without label ${detail}`,
  help: ([{ detail = "" }]) => `label one ${detail}`,
};
