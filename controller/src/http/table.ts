import type { ApiObject, Kind } from "@vfleet/shared";
import { humanDuration } from "./human-duration.ts";

export type IncludeObject = "None" | "Metadata" | "Object";

export interface TableOptions {
  includeObject: IncludeObject;
  nowMs: number;
  /** Of `meta.k8s.io` that the client asked for. */
  metaVersion: string;
  listMetadata?: object;
}

/** `meta.k8s.io` Table: what `kubectl get` prints. */
export function tableOf(kind: Kind, objects: readonly ApiObject[], options: TableOptions): object {
  return {
    kind: "Table",
    apiVersion: `meta.k8s.io/${options.metaVersion}`,
    metadata: options.listMetadata ?? {},
    columnDefinitions: columnDefinitions(kind),
    rows: objects.map((object) => ({ cells: cellsOf(kind, object, options.nowMs), ...rowObject(object, options) })),
  };
}

/** `meta.k8s.io` PartialObjectMetadata. */
export function partialMetadataOf(object: Pick<ApiObject, "metadata">, metaVersion = "v1"): object {
  return { kind: "PartialObjectMetadata", apiVersion: `meta.k8s.io/${metaVersion}`, metadata: object.metadata };
}

function columnDefinitions(kind: Kind): object[] {
  const name = {
    name: "Name",
    type: "string",
    format: "name",
    description: "Name, unique among its kind and namespace",
    priority: 0,
  };
  return [
    name,
    ...kind.columns.map((column) => ({
      name: column.name,
      type: column.type,
      format: "",
      description: column.description,
      priority: column.priority ?? 0,
    })),
  ];
}

function cellsOf(kind: Kind, object: ApiObject, nowMs: number): unknown[] {
  return [
    object.metadata.name,
    ...kind.columns.map((column) => {
      const value = column.value(object);
      if (column.type !== "date") return value ?? null;
      return typeof value === "string" ? humanDuration(nowMs - Date.parse(value)) : "<unknown>";
    }),
  ];
}

function rowObject(object: ApiObject, options: TableOptions): object {
  if (options.includeObject === "None") return {};
  return { object: options.includeObject === "Object" ? object : partialMetadataOf(object, options.metaVersion) };
}
