import type { Filter } from "./filter.ts";

/** Nodes that the move in question can't go to: its own, other versions of CRIU. */
export const excluded: Filter = {
  name: "excluded",
  prepare: ({ excluded }) => {
    if (excluded.size === 0) return undefined;
    return ({ name }) => {
      const detail = excluded.get(name);
      return detail === undefined ? undefined : { detail };
    };
  },
  describe: ([{ detail = "excluded" }]) => detail,
};
