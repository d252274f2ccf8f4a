import type { Filter } from "./filter.ts";

export const readiness: Filter = {
  name: "readiness",
  prepare:
    () =>
    ({ ready }) =>
      ready ? undefined : {},
  describe: () => "not ready",
  help: () => "get an agent to report",
};
