import { conditionSchema } from "@vfleet/shared";
import { z } from "zod";
import type { AnyObject } from "../api/objects.ts";
import { usageError } from "../fail.ts";
import { asText, compileJsonPath } from "../output/json-path.ts";

/** What `wait --for` waits for. */
export type Goal = { kind: "delete" } | { kind: "create" } | { kind: "state"; isMet: (object: AnyObject) => boolean };

const statusSchema = z.looseObject({ conditions: z.array(conditionSchema.loose()).nullish() }).prefault({});

/** `delete`, `create`, `condition=Ready`, `condition=Ready=False`, `jsonpath={.status.phase}=Running`, `jsonpath={.status.address}`. */
export function parseGoal(text: string): Goal {
  const word = text.toLowerCase();
  if (word === "delete" || word === "create") return { kind: word };
  if (word.startsWith("condition=")) {
    const [type = "", value = "true"] = text.slice("condition=".length).split("=");
    if (type !== "")
      return { kind: "state", isMet: (object) => hasCondition(object, type.toLowerCase(), value.toLowerCase()) };
  }
  const path = /^jsonpath=(?:'|")?(\{[^}]*\})(?:'|")?(?:=(.+))?$/s.exec(text);
  if (path?.[1] !== undefined) {
    const select = compileJsonPath(path[1]);
    const wanted = path[2]?.replace(/^(['"])(.*)\1$/s, "$2");
    return {
      kind: "state",
      isMet: (object) => select(object).some((value) => wanted === undefined || asText(value) === wanted),
    };
  }
  throw usageError(
    `unrecognized condition: "${text}"`,
    "condition=NAME[=VALUE], jsonpath='{.path}'=VALUE, create and delete are understood",
  );
}

/** A condition that speaks of an older generation than the spec's is not believed. */
function hasCondition({ metadata, status }: AnyObject, type: string, value: string): boolean {
  return (statusSchema.parse(status).conditions ?? []).some(
    (condition) =>
      condition.type.toLowerCase() === type &&
      condition.status.toLowerCase() === value &&
      (condition.observedGeneration ?? metadata.generation ?? 0) >= (metadata.generation ?? 0),
  );
}
