import type { Taint } from "@vfleet/shared";
import { tolerates } from "../placement.ts";
import type { Filter } from "./filter.ts";

export const taints: Filter = {
  name: "taints",
  prepare: ({ demand }) => {
    const keepsAway = (taint: Taint) => taint.effect !== "PreferNoSchedule" && !tolerates(demand.tolerations, taint);
    return ({ taints }) => {
      if (taints.length === 0) return undefined;
      const taint = taints.find(keepsAway);
      return taint === undefined ? undefined : { detail: textOf(taint) };
    };
  },
  describe: ([{ detail = "" }]) => `tainted (${detail})`,
  help: ([{ detail = "" }]) => `tolerate ${detail}`,
};

function textOf({ key, value, effect }: Taint): string {
  return `${key}${value === undefined ? "" : `=${value}`}:${effect}`;
}
