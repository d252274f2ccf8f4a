import type { ListOptions } from "../store/object-store.ts";
import { listJson, objectJson, representationOf } from "./representation.ts";
import { keyOf, wholeNumber, type Answer, type ResourceParts, type ResourceRequest } from "./resource-request.ts";
import { badRequest } from "./status.ts";

export function getObject({ store, environment }: ResourceParts, request: ResourceRequest): Answer {
  const representation = representationOf(request.accept, request.query);
  const object = store.read(request.kind, keyOf(request));
  return { code: 200, body: objectJson(request.kind, object, { representation, nowMs: environment.nowMs() }) };
}

export function listObjects({ store, environment }: ResourceParts, request: ResourceRequest): Answer {
  const { query } = request;
  if (
    query.get("resourceVersionMatch") === "Exact" &&
    query.get("continue") === null &&
    ![null, "", store.resourceVersion].includes(query.get("resourceVersion"))
  ) {
    throw badRequest("resourceVersionMatch=Exact is not available: list without a resourceVersion");
  }
  const representation = representationOf(request.accept, query);
  const list = store.list(request.kind, listOptionsOf(request));
  const metadata = {
    resourceVersion: list.resourceVersion,
    ...(list.continue === undefined ? {} : { continue: list.continue }),
    ...(list.remainingItemCount === undefined ? {} : { remainingItemCount: list.remainingItemCount }),
  };
  return {
    code: 200,
    body: listJson(request.kind, { items: list.items, metadata }, { representation, nowMs: environment.nowMs() }),
  };
}

export function listOptionsOf({ query, namespace }: ResourceRequest): ListOptions {
  return {
    namespace,
    labelSelector: query.get("labelSelector") ?? undefined,
    fieldSelector: query.get("fieldSelector") ?? undefined,
    limit: wholeNumber(query, "limit"),
    continue: query.get("continue") ?? undefined,
  };
}
