import type { LabelSelector } from "@vfleet/shared";
import { usageError } from "../fail.ts";

type Requirement = NonNullable<LabelSelector["matchExpressions"]>[number];

/** `app=web,tier!=db,gpu,!old`, as kubectl's `-l` takes it, for an object's own selector. */
export function parseLabelQuery(text: string): LabelSelector {
  return { matchExpressions: text.split(",").map((part) => requirementOf(part.trim(), text)) };
}

function requirementOf(part: string, text: string): Requirement {
  const [, not = "", key = "", operator, value = ""] = /^(!?)([^\s=!]+)(?:\s*(==?|!=)\s*([^\s=!]*))?$/.exec(part) ?? [];
  if (key === "" || (not !== "" && operator !== undefined))
    throw usageError(`invalid selector "${text}": labels are needed, such as app=web,tier!=db`);
  if (operator === undefined) return { key, operator: not === "" ? "Exists" : "DoesNotExist" };
  return { key, operator: operator === "!=" ? "NotIn" : "In", values: [value] };
}
