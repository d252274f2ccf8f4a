import { existsSync } from "node:fs";
import { LabError } from "./lab-error.ts";

const candidates = ["/usr/bin/tini", "/usr/bin/tini-static", "/usr/bin/catatonit"];

/** A first process that reaps orphans and passes signals on. */
export function findInit(): string {
  const found = candidates.find((file) => existsSync(file));
  if (found === undefined)
    throw new LabError(
      "tool-missing",
      "neither tini nor catatonit is installed",
      "Run: sh deploy/bootstrap.sh install",
    );
  return found;
}
