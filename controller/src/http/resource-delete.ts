import { messageOf, type ApiObject } from "@vfleet/shared";
import { z } from "zod";
import { listJson, objectJson, representationOf } from "./representation.ts";
import { readBody } from "./request-body.ts";
import { listOptionsOf } from "./resource-read.ts";
import { isDryRun, keyOf, type Answer, type ResourceParts, type ResourceRequest } from "./resource-request.ts";
import { badRequest } from "./status.ts";

const deleteOptionsSchema = z.looseObject({
  dryRun: z.array(z.string()).optional(),
  preconditions: z.looseObject({ uid: z.string().optional(), resourceVersion: z.string().optional() }).optional(),
  gracePeriodSeconds: z.number().nullish(),
  propagationPolicy: z.enum(["Orphan", "Background", "Foreground"]).nullish(),
});
type DeleteRequest = z.infer<typeof deleteOptionsSchema>;

/** Answers with a `Status` when the object is gone, with the object while finalizers hold it. */
export async function deleteObject(parts: ResourceParts, request: ResourceRequest): Promise<Answer> {
  const options = deleteOptionsOf(request);
  const old = parts.store.read(request.kind, keyOf(request));
  const deleted = await deleteOne(parts, request, { old, options });
  if (deleted.metadata.deletionTimestamp !== undefined && (deleted.metadata.finalizers ?? []).length > 0) {
    const representation = representationOf(request.accept, request.query);
    return { code: 200, body: objectJson(request.kind, deleted, { representation, nowMs: parts.environment.nowMs() }) };
  }
  const details = {
    name: old.metadata.name,
    group: request.kind.group,
    kind: request.kind.plural,
    uid: old.metadata.uid,
  };
  return {
    code: 200,
    body: JSON.stringify({ kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details }),
  };
}

/** Those that the selectors pick now; answers with them. */
export async function deleteCollection(parts: ResourceParts, request: ResourceRequest): Promise<Answer> {
  const options = deleteOptionsOf(request);
  const list = parts.store.list(request.kind, { ...listOptionsOf(request), limit: undefined, continue: undefined });
  const items: ApiObject[] = [];
  for (const old of list.items) {
    if (parts.store.get(request.kind, old.metadata) === undefined) continue;
    items.push(await deleteOne(parts, request, { old, options }));
  }
  const representation = representationOf(request.accept, request.query);
  return {
    code: 200,
    body: listJson(
      request.kind,
      { items, metadata: { resourceVersion: parts.store.resourceVersion } },
      { representation, nowMs: parts.environment.nowMs() },
    ),
  };
}

async function deleteOne(
  parts: ResourceParts,
  request: ResourceRequest,
  { old, options }: { old: ApiObject; options: DeleteRequest },
): Promise<ApiObject> {
  const dryRun = isDryRun([...request.query.getAll("dryRun"), ...(options.dryRun ?? [])]);
  for (const admit of parts.admission) {
    await admit({ kind: request.kind, operation: "delete", object: old, old, user: request.user, dryRun });
  }
  return parts.store.delete(request.kind, old.metadata, {
    uid: options.preconditions?.uid,
    resourceVersion: options.preconditions?.resourceVersion,
    dryRun,
  });
}

function deleteOptionsOf(request: ResourceRequest): DeleteRequest {
  const result = deleteOptionsSchema.safeParse(readBody(request.body, request.contentType) ?? {});
  if (!result.success)
    throw badRequest(
      `DeleteOptions: ${messageOf(result.error.issues[0]?.message ?? "invalid")} at ${result.error.issues[0]?.path.join(".") ?? ""}`,
    );
  return result.data;
}
