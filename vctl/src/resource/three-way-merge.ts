/** Kubernetes' annotation in which `apply` keeps what it last applied. */
export const lastAppliedAnnotation = "kubectl.kubernetes.io/last-applied-configuration";

type Json = Record<string, unknown>;

/**
 * The JSON merge patch (RFC 7396) that brings `current` to what a file says: members that the file sets, and removal
 * of those that the file set the last time and no longer does. Members others have set stay. `undefined`: nothing to do.
 */
export function threeWayMerge(lastApplied: unknown, wanted: unknown, current: unknown): Json | undefined {
  const patch: Json = {};
  const [last, next, now] = [asObject(lastApplied), asObject(wanted), asObject(current)];
  for (const [key, value] of Object.entries(next)) {
    if (isObject(value) && isObject(now[key])) {
      const inner = threeWayMerge(last[key], value, now[key]);
      if (inner !== undefined) patch[key] = inner;
    } else if (!isSame(value, now[key])) patch[key] = value;
  }
  for (const key of Object.keys(last)) {
    if (!Object.hasOwn(next, key) && Object.hasOwn(now, key)) patch[key] = null;
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

function asObject(value: unknown): Json {
  return isObject(value) ? value : {};
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSame(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, index) => isSame(item, b[index]));
  if (!isObject(a) || !isObject(b)) return a === b;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && isSame(a[key], b[key]));
}
