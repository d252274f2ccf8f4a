import { stringify } from "yaml";

/** JSON as kubectl prints it: four spaces, members sorted. */
export function toJson(value: unknown): string {
  return JSON.stringify(sorted(value), undefined, 4);
}

/** YAML as kubectl prints it: members sorted, long text left on one line, quoted where YAML 1.1 would read no text. */
export function toYaml(value: unknown): string {
  return stringify(sorted(value), {
    version: "1.1",
    lineWidth: 0,
    aliasDuplicateObjects: false,
    indentSeq: false,
  }).trimEnd();
}

/** The object without what only field managers read. */
export function withoutManagedFields<T extends { metadata?: unknown }>(object: T): T {
  const { metadata } = object;
  if (typeof metadata !== "object" || metadata === null || !("managedFields" in metadata)) return object;
  const { managedFields: _, ...rest } = metadata;
  return { ...object, metadata: rest };
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(
    entries.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, member]) => [key, sorted(member)]),
  );
}
