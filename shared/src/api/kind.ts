import type { z } from "zod";
import type { ApiObject } from "./meta.ts";

/** One column of `get`. `priority` above 0 shows only with `-o wide`. Cells of type `date` are RFC 3339, shown as an age. */
export interface PrinterColumn<T> {
  name: string;
  type: "string" | "integer" | "boolean" | "date";
  description: string;
  priority?: number;
  value: (object: T) => string | number | boolean | null | undefined;
}

/** Everything the API, the printers and the clients need to know of a kind; nothing else in the project lists kinds. */
export interface Kind<T extends ApiObject = ApiObject> {
  /** `""` for the core group. */
  group: string;
  version: "v1";
  kind: string;
  plural: string;
  singular: string;
  shortNames: readonly string[];
  categories: readonly string[];
  namespaced: boolean;
  /** Whether `status` is a subresource of its own that ordinary writes leave alone. */
  statusSubresource: boolean;
  /** Verbs a client may use; agents and controllers write through the store. */
  verbs: readonly Verb[];
  /** Whole object, defaults applied by parsing; unknown members are refused (`strict`) by the API's field validation. */
  schema: z.ZodType<T>;
  columns: readonly PrinterColumn<T>[];
  /** Members of spec that can't change once made, as dotted paths. */
  immutable?: readonly string[];
  /** Field selectors beside `metadata.name` and `metadata.namespace`: dotted paths. */
  selectableFields?: readonly string[];
}

export const allVerbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"] as const;
export type Verb = (typeof allVerbs)[number];

/** Keeps the object's own type while checking the definition. */
export function defineKind<T extends ApiObject>(kind: Kind<T>): Kind<T> {
  return kind;
}

/** `vfleet.dev/v1` or `v1`. */
export function apiVersionOf(kind: Pick<Kind, "group" | "version">): string {
  return kind.group === "" ? kind.version : `${kind.group}/${kind.version}`;
}
