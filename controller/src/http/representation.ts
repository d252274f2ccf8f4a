import { apiVersionOf, type ApiObject, type Kind } from "@vfleet/shared";
import { StatusError } from "./status.ts";
import { partialMetadataOf, tableOf, type IncludeObject } from "./table.ts";

/** The form in which a client wants objects. */
export interface Representation {
  as: "Object" | "Table" | "PartialObjectMetadata";
  metaVersion: string;
  includeObject: IncludeObject;
}

/** By the Accept header, first match wins; 406 when nothing that the client takes can be made. */
export function representationOf(accept: string | undefined, query: URLSearchParams): Representation {
  const asked = query.get("includeObject");
  const includeObject: IncludeObject = asked === "None" || asked === "Object" ? asked : "Metadata";
  for (const range of mediaRanges(accept)) {
    if (!["application/json", "application/*", "*/*"].includes(range.type)) continue;
    const as = range.parameters.get("as");
    const metaVersion = range.parameters.get("v") ?? "v1";
    if (as === undefined) return { as: "Object", metaVersion, includeObject };
    if (range.parameters.get("g") !== "meta.k8s.io" || !["v1", "v1beta1"].includes(metaVersion)) continue;
    if (as === "Table") return { as, metaVersion, includeObject };
    if (as === "PartialObjectMetadata" || as === "PartialObjectMetadataList")
      return { as: "PartialObjectMetadata", metaVersion, includeObject };
  }
  throw new StatusError(
    { code: 406, reason: "NotAcceptable" },
    "only application/json can be answered, also as Table or PartialObjectMetadata",
  );
}

export interface MediaRange {
  type: string;
  parameters: ReadonlyMap<string, string>;
}

export function mediaRanges(accept: string | undefined): MediaRange[] {
  return (accept === undefined || accept === "" ? "*/*" : accept).split(",").map((range) => {
    const [type, ...parameters] = range.split(";").map((part) => part.trim());
    return {
      type: (type ?? "").toLowerCase(),
      parameters: new Map(parameters.map((parameter) => splitOnce(parameter))),
    };
  });
}

const jsonTexts = new WeakMap<object, string>();

/** JSON of a stored object. Stored objects are frozen: each version is written out once. */
function jsonOf(object: object): string {
  if (!Object.isFrozen(object)) return JSON.stringify(object);
  const known = jsonTexts.get(object);
  if (known !== undefined) return known;
  const text = JSON.stringify(object);
  jsonTexts.set(object, text);
  return text;
}

export function objectJson(
  kind: Kind,
  object: ApiObject,
  form: { representation: Representation; nowMs: number },
): string {
  const { as, metaVersion, includeObject } = form.representation;
  if (as === "Object") return jsonOf(object);
  if (as === "PartialObjectMetadata") return JSON.stringify(partialMetadataOf(object, metaVersion));
  const listMetadata = { resourceVersion: object.metadata.resourceVersion };
  return JSON.stringify(tableOf(kind, [object], { includeObject, metaVersion, nowMs: form.nowMs, listMetadata }));
}

export interface ListAnswer {
  items: readonly ApiObject[];
  metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number };
}

export function listJson(
  kind: Kind,
  list: ListAnswer,
  form: { representation: Representation; nowMs: number },
): string {
  const { as, metaVersion, includeObject } = form.representation;
  if (as === "Table")
    return JSON.stringify(
      tableOf(kind, list.items, { includeObject, metaVersion, nowMs: form.nowMs, listMetadata: list.metadata }),
    );
  const metadata = JSON.stringify(list.metadata);
  if (as === "PartialObjectMetadata") {
    const items = list.items.map((item) => partialMetadataOf(item, metaVersion));
    return `{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/${metaVersion}","metadata":${metadata},"items":${JSON.stringify(items)}}`;
  }
  return `{"kind":"${kind.kind}List","apiVersion":"${apiVersionOf(kind)}","metadata":${metadata},"items":[${list.items.map(jsonOf).join(",")}]}`;
}

function splitOnce(parameter: string): [string, string] {
  const at = parameter.indexOf("=");
  return at === -1 ? [parameter, ""] : [parameter.slice(0, at), parameter.slice(at + 1)];
}
