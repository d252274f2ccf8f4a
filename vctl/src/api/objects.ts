import type { ApiObject } from "@vfleet/shared";
import { z } from "zod";
import { pathOf, type ResourceType } from "../resource/resource-type.ts";
import type { ApiClient, Query } from "./api-client.ts";

/** Any object, as loose as a client can be: a newer server may say more than this version knows. */
export const apiObjectSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string().optional(),
    uid: z.string().optional(),
    resourceVersion: z.string().optional(),
    generation: z.number().optional(),
    creationTimestamp: z.string().nullish(),
    deletionTimestamp: z.string().optional(),
    labels: z.record(z.string(), z.string()).nullish(),
    annotations: z.record(z.string(), z.string()).nullish(),
    ownerReferences: z.array(z.looseObject({ kind: z.string(), name: z.string(), uid: z.string() })).nullish(),
  }),
});
export type AnyObject = z.infer<typeof apiObjectSchema>;

const listSchema = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string().optional(), continue: z.string().optional() }).prefault({}),
  items: z.array(z.looseObject({})).nullish(),
});

const pageSize = 500;

export interface Place {
  namespace?: string | undefined;
  name: string;
}

export async function getObject(client: ApiClient, type: ResourceType, place: Place): Promise<AnyObject> {
  return apiObjectSchema.parse(await client.json({ path: pathOf(type, place) }));
}

/** All pages of a list; `resourceVersion` is where a watch goes on. */
export async function listObjects(
  client: ApiClient,
  type: ResourceType,
  { namespace, query }: { namespace?: string | undefined; query?: Query },
): Promise<{ items: AnyObject[]; resourceVersion: string }> {
  const items: AnyObject[] = [];
  let resourceVersion = "";
  let next: string | undefined;
  do {
    const answer = await client.json({
      path: pathOf(type, { namespace }),
      query: { ...query, limit: pageSize, continue: next },
    });
    const page = listSchema.parse(answer);
    // Items of a list may leave out what the list already says.
    const implied = { apiVersion: type.group === "" ? type.version : `${type.group}/${type.version}`, kind: type.kind };
    for (const item of page.items ?? []) items.push(apiObjectSchema.parse({ ...implied, ...item }));
    resourceVersion = page.metadata.resourceVersion ?? resourceVersion;
    next = page.metadata.continue;
  } while (next !== undefined && next !== "");
  return { items, resourceVersion };
}

export interface NewObject {
  apiVersion: string;
  kind: string;
  metadata: Omit<ApiObject["metadata"], "name"> & { name?: string };
  spec?: unknown;
}

export async function createObject(
  client: ApiClient,
  type: ResourceType,
  { object, namespace, dryRun = false }: { object: NewObject; namespace?: string | undefined; dryRun?: boolean },
): Promise<AnyObject> {
  const query = { fieldManager: "vctl", fieldValidation: "Strict", dryRun: dryRun ? "All" : undefined };
  return apiObjectSchema.parse(
    await client.json({ method: "POST", path: pathOf(type, { namespace }), query, body: object }),
  );
}

export async function patchObject(
  client: ApiClient,
  type: ResourceType,
  { place, patch, dryRun = false }: { place: Place; patch: unknown; dryRun?: boolean },
): Promise<AnyObject> {
  const query = { fieldManager: "vctl", fieldValidation: "Strict", dryRun: dryRun ? "All" : undefined };
  const request = {
    method: "PATCH",
    path: pathOf(type, place),
    query,
    body: patch,
    contentType: "application/merge-patch+json",
  } as const;
  return apiObjectSchema.parse(await client.json(request));
}

export async function deleteObject(client: ApiClient, type: ResourceType, place: Place): Promise<void> {
  await client.json({ method: "DELETE", path: pathOf(type, place) });
}
