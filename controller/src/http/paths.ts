import { apiVersionOf, type Kind } from "@vfleet/shared";

/** `api/v1`, `apis/vfleet.dev/v1`. */
export function groupPath(kind: Pick<Kind, "group" | "version">): string {
  return `${kind.group === "" ? "api" : "apis"}/${apiVersionOf(kind)}`;
}
