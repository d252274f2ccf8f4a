import { findKind, kinds, type Kind, virtualServerKind } from "@vfleet/shared";
import { z } from "zod";
import type { ApiClient } from "../api/api-client.ts";
import { fail } from "../fail.ts";

/** What a client must know of a kind to address it: a `Kind` of the registry, or one that only the server knows. */
export type ResourceType = Pick<Kind, "group" | "version" | "kind" | "plural" | "singular" | "namespaced">;

/** `virtualservers.vfleet.dev`, `nodes`: as the server names it in errors. */
export function qualifiedPlural(type: ResourceType): string {
  return type.group === "" ? type.plural : `${type.plural}.${type.group}`;
}

/** `virtualserver.vfleet.dev/web`, `node/host-1`: as kubectl prints what it did something to. */
export function objectName(type: ResourceType, name: string): string {
  return `${qualifiedSingular(type)}/${name}`;
}

export function qualifiedSingular(type: ResourceType): string {
  return type.group === "" ? type.singular : `${type.singular}.${type.group}`;
}

/** Path of a collection, or of one object. `namespace` undefined: across all namespaces. */
export function pathOf(
  type: ResourceType,
  place: { namespace?: string | undefined; name?: string | undefined; subresource?: string },
): string {
  const segments = type.group === "" ? ["api", type.version] : ["apis", type.group, type.version];
  if (type.namespaced && place.namespace !== undefined) segments.push("namespaces", place.namespace);
  segments.push(type.plural);
  if (place.name !== undefined) segments.push(place.name);
  if (place.subresource !== undefined) segments.push(place.subresource);
  return `/${segments.map(encodeURIComponent).join("/")}`;
}

/** The types a word stands for: a plural, singular, short name or kind; or all of a category. */
export async function resolveTypes(word: string, client: ApiClient): Promise<ResourceType[]> {
  const known = findKind(word);
  if (known !== undefined) return [known];
  const ofCategory = kinds.filter((kind) => kind.categories.includes(word.toLowerCase()));
  if (ofCategory.length > 0) return ofCategory;
  return [await discover(client, (type) => type.names.includes(word.toLowerCase().split(".")[0] ?? ""), word)];
}

/** The type of an object in a manifest. */
export async function resolveManifestType(
  apiVersion: string,
  kindName: string,
  client: ApiClient,
): Promise<ResourceType> {
  const group = apiVersion.includes("/") ? (apiVersion.split("/")[0] ?? "") : "";
  const known = kinds.find((kind) => kind.kind === kindName && kind.group === group);
  return known ?? discover(client, (type) => type.kind === kindName && type.group === group, kindName);
}

const resourceListSchema = z.looseObject({
  resources: z.array(
    z.looseObject({
      name: z.string(),
      singularName: z.string().optional(),
      kind: z.string(),
      namespaced: z.boolean(),
      shortNames: z.array(z.string()).nullish(),
    }),
  ),
});
const groupListSchema = z.looseObject({
  groups: z.array(z.looseObject({ name: z.string(), preferredVersion: z.looseObject({ groupVersion: z.string() }) })),
});

type Discovered = ResourceType & { names: string[] };

/** Asks the server for a type that this version of vctl does not know. */
async function discover(
  client: ApiClient,
  matches: (type: Discovered) => boolean,
  word: string,
): Promise<ResourceType> {
  const groups = groupListSchema.parse(await client.json({ path: "/apis" })).groups;
  for (const path of ["/api/v1", ...groups.map((group) => `/apis/${group.preferredVersion.groupVersion}`)]) {
    const segments = path.split("/");
    const list = resourceListSchema.parse(await client.json({ path }));
    for (const resource of list.resources) {
      if (resource.name.includes("/")) continue; // a subresource
      const singular = resource.singularName || resource.kind.toLowerCase();
      const type = {
        group: segments[1] === "api" ? "" : (segments[2] ?? ""),
        version: (segments.at(-1) ?? "v1") as "v1", // the fleet's groups have no other; the path is built from it alone
        kind: resource.kind,
        plural: resource.name,
        singular,
        namespaced: resource.namespaced,
        names: [resource.name, singular, resource.kind.toLowerCase(), ...(resource.shortNames ?? [])],
      };
      if (matches(type)) return type;
    }
  }
  throw fail("resource-type-unknown", { type: word });
}

export function virtualServerPath(place: { namespace: string; name: string }, subresource?: string): string {
  return pathOf(virtualServerKind, { ...place, ...(subresource === undefined ? {} : { subresource }) });
}
