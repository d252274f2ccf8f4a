import { isRecord } from "./request-body.ts";
import { badRequest } from "./status.ts";

/** Lists of core kinds that merge by a member (`patchMergeKey` in k8s.io/api); any other list is replaced. */
const mergeKeys: Readonly<Record<string, string>> = {
  "status.conditions": "type",
  "status.addresses": "type",
  "metadata.ownerReferences": "uid",
};
/** Lists of plain values that merge as sets. */
const mergedSets: readonly string[] = ["metadata.finalizers"];

/** Kubernetes' strategic merge, for the core kinds served here. Neither argument is changed. */
export function strategicMerge(
  target: Record<string, unknown>,
  patch: Record<string, unknown>,
  path = "",
): Record<string, unknown> {
  if (patch["$patch"] === "replace") return withoutDirectives(patch);
  if (patch["$patch"] === "delete") return {};
  const result = { ...target };
  for (const [name, value] of Object.entries(patch)) {
    if (name === "$retainKeys" && Array.isArray(value)) {
      for (const member of Object.keys(result)) if (!value.includes(member)) delete result[member];
    } else if (name.startsWith("$deleteFromPrimitiveList/")) {
      const list = name.slice(name.indexOf("/") + 1);
      const current = result[list];
      if (Array.isArray(current) && Array.isArray(value))
        result[list] = current.filter((entry) => !value.includes(entry));
    } else if (name.startsWith("$")) {
      continue; // the order of a list's members, which means nothing here
    } else if (value === null) {
      delete result[name];
    } else {
      result[name] = mergeMember(result[name], value, path === "" ? name : `${path}.${name}`);
    }
  }
  return result;
}

function mergeMember(current: unknown, value: unknown, path: string): unknown {
  if (Array.isArray(value)) return mergeList(Array.isArray(current) ? current : [], value, path);
  if (isRecord(value)) return strategicMerge(isRecord(current) ? current : {}, value, path);
  return value;
}

function mergeList(current: readonly unknown[], patch: readonly unknown[], path: string): unknown[] {
  if (mergedSets.includes(path)) return [...new Set([...current, ...patch])];
  const key = mergeKeys[path];
  if (key === undefined) return patch.filter((entry) => !(isRecord(entry) && "$patch" in entry));
  let result = [...current];
  for (const entry of patch) {
    if (!isRecord(entry)) throw badRequest(`${path} must hold objects`);
    if (entry["$patch"] === "replace") {
      result = [];
      continue;
    }
    if (entry[key] === undefined) throw badRequest(`an entry of ${path} has no "${key}"`);
    const at = result.findIndex((candidate) => isRecord(candidate) && candidate[key] === entry[key]);
    const existing = result[at];
    if (entry["$patch"] === "delete") result = result.filter((_, index) => index !== at);
    else if (isRecord(existing)) result[at] = strategicMerge(existing, entry, `${path}[]`);
    else result.push(entry);
  }
  return result;
}

function withoutDirectives(patch: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(patch).filter(([name]) => !name.startsWith("$")));
}
