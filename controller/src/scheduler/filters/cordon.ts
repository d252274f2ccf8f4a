import type { Filter } from "./filter.ts";

export const cordon: Filter = {
  name: "cordon",
  prepare:
    () =>
    ({ cordoned }) =>
      cordoned ? {} : undefined,
  describe: () => "cordoned",
  help: (group) => (group.length === 1 ? "uncordon it" : "uncordon one"),
};
