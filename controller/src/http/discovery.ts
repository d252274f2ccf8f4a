import { apiVersionOf, kinds, type Kind } from "@vfleet/shared";
import { extraGroups, kindSubresources, type ExtraResource } from "./extra-resources.ts";
import { mediaRanges } from "./representation.ts";

interface Resource {
  name: string;
  singularName: string;
  namespaced: boolean;
  kind: { group: string; version: string; kind: string };
  verbs: readonly string[];
  shortNames: readonly string[];
  categories: readonly string[];
  subresources: readonly ExtraResource[];
}

/** `""` is the core group. */
interface GroupVersion {
  group: string;
  version: string;
  resources: readonly Resource[];
}

export interface DiscoveryAnswer {
  contentType: string;
  body: object;
}

/** Everything that is served, derived from the registry of kinds and the few resources that aren't stored objects. */
const groupVersions: readonly GroupVersion[] = makeGroupVersions();

function makeGroupVersions(): GroupVersion[] {
  const ofKinds = Map.groupBy(kinds, apiVersionOf);
  const stored = [...ofKinds.values()].map((members): GroupVersion => {
    const first = members[0];
    return { group: first?.group ?? "", version: first?.version ?? "v1", resources: members.map(kindResource) };
  });
  const extra = extraGroups.map((group): GroupVersion => ({
    group: group.group,
    version: group.version,
    resources: group.resources.map((resource) => extraResource(resource, group)),
  }));
  return [...stored, ...extra];
}

function kindResource(kind: Kind): Resource {
  return {
    name: kind.plural,
    singularName: kind.singular,
    namespaced: kind.namespaced,
    kind: { group: kind.group, version: kind.version, kind: kind.kind },
    verbs: kind.verbs,
    shortNames: kind.shortNames,
    categories: kind.categories,
    subresources: kindSubresources(kind),
  };
}

function extraResource(resource: ExtraResource, group: { group: string; version: string }): Resource {
  return {
    name: resource.name,
    singularName: resource.singularName ?? "",
    namespaced: resource.namespaced,
    kind: { group: group.group, version: group.version, kind: resource.kind },
    verbs: resource.verbs,
    shortNames: [],
    categories: [],
    subresources: [],
  };
}

/** `/api` and `/apis`: aggregated where the client asks for it, else the index of groups. */
export function rootDiscovery(root: "api" | "apis", accept: string | undefined): DiscoveryAnswer {
  const aggregated = mediaRanges(accept).find(
    (range) =>
      range.parameters.get("g") === "apidiscovery.k8s.io" && range.parameters.get("as") === "APIGroupDiscoveryList",
  );
  const version = aggregated?.parameters.get("v");
  const members = groupVersions.filter((entry) => (entry.group === "") === (root === "api"));
  if (version === "v2" || version === "v2beta1") {
    return {
      // Clients decide by these parameters what they were given.
      contentType: `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`,
      body: {
        kind: "APIGroupDiscoveryList",
        apiVersion: `apidiscovery.k8s.io/${version}`,
        metadata: {},
        items: aggregatedGroups(members),
      },
    };
  }
  if (root === "api") return json({ kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs: [] });
  return json({ kind: "APIGroupList", apiVersion: "v1", groups: groupNames(members).map((group) => apiGroup(group)) });
}

/** `/apis/GROUP`; none for an unknown one. */
export function groupDiscovery(group: string): DiscoveryAnswer | undefined {
  if (group === "" || !groupVersions.some((entry) => entry.group === group)) return undefined;
  return json({ kind: "APIGroup", apiVersion: "v1", ...apiGroup(group) });
}

/** `/api/v1` and `/apis/GROUP/VERSION`. */
export function resourceDiscovery(group: string, version: string): DiscoveryAnswer | undefined {
  const found = groupVersions.find((entry) => entry.group === group && entry.version === version);
  if (found === undefined) return undefined;
  const resources = found.resources.flatMap((resource) => [
    {
      name: resource.name,
      singularName: resource.singularName,
      namespaced: resource.namespaced,
      kind: resource.kind.kind,
      verbs: resource.verbs,
      ...(resource.shortNames.length === 0 ? {} : { shortNames: resource.shortNames }),
      ...(resource.categories.length === 0 ? {} : { categories: resource.categories }),
    },
    ...resource.subresources.map((subresource) => ({
      name: `${resource.name}/${subresource.name}`,
      singularName: "",
      namespaced: resource.namespaced,
      kind: subresource.kind,
      verbs: subresource.verbs,
    })),
  ]);
  return json({
    kind: "APIResourceList",
    apiVersion: "v1",
    groupVersion: group === "" ? version : `${group}/${version}`,
    resources,
  });
}

function aggregatedGroups(members: readonly GroupVersion[]): object[] {
  return groupNames(members).map((group) => ({
    metadata: { name: group },
    versions: members
      .filter((entry) => entry.group === group)
      .map((entry) => ({
        version: entry.version,
        freshness: "Current",
        resources: entry.resources.map((resource) => ({
          resource: resource.name,
          responseKind: resource.kind,
          scope: resource.namespaced ? "Namespaced" : "Cluster",
          singularResource: resource.singularName,
          verbs: resource.verbs,
          ...(resource.shortNames.length === 0 ? {} : { shortNames: resource.shortNames }),
          ...(resource.categories.length === 0 ? {} : { categories: resource.categories }),
          ...(resource.subresources.length === 0
            ? {}
            : {
                subresources: resource.subresources.map((entry) => ({
                  subresource: entry.name,
                  responseKind: { ...resource.kind, kind: entry.kind },
                  verbs: entry.verbs,
                })),
              }),
        })),
      })),
  }));
}

function apiGroup(group: string): { name: string; versions: object[]; preferredVersion: object | undefined } {
  const versions = groupVersions
    .filter((entry) => entry.group === group)
    .map((entry) => ({ groupVersion: `${group}/${entry.version}`, version: entry.version }));
  return { name: group, versions, preferredVersion: versions[0] };
}

function groupNames(members: readonly GroupVersion[]): string[] {
  return [...new Set(members.map((entry) => entry.group))];
}

function json(body: object): DiscoveryAnswer {
  return { contentType: "application/json", body };
}
