import { codeOf, namespaceKind, type ApiObject } from "@vfleet/shared";
import { contentFinalizer } from "./namespace-reaper.ts";
import { checkImmutable, parseObject, type FieldValidation, type ObjectInput } from "./object-input.ts";
import { parsePatch } from "./patch.ts";
import { objectJson, representationOf } from "./representation.ts";
import { asRecord, readBody } from "./request-body.ts";
import { isDryRun, keyOf, type Answer, type ResourceParts, type ResourceRequest } from "./resource-request.ts";
import { badRequest, forbidden, notFound } from "./status.ts";

const generatedNameAttempts = 8;
const patchAttempts = 8;
/** Kubernetes' own: no vowels, nothing that looks like something else. */
const suffixAlphabet = "bcdfghjklmnpqrstvwxz2456789";

export async function createObject(parts: ResourceParts, request: ResourceRequest): Promise<Answer> {
  const body = asRecord(readBody(request.body, request.contentType), "the body");
  const dryRun = isDryRun(request.query.getAll("dryRun"));
  requireNamespace(parts, request);
  const metadata = asRecord(body["metadata"] ?? {}, "metadata");
  const generateName =
    typeof metadata["generateName"] === "string" && metadata["name"] === undefined
      ? metadata["generateName"]
      : undefined;
  if (generateName === undefined && metadata["name"] === undefined)
    throw badRequest("name or generateName is required");
  for (let attempt = 1; ; attempt += 1) {
    const named =
      generateName === undefined
        ? body
        : { ...body, metadata: { ...metadata, name: `${generateName}${randomSuffix(parts)}` } };
    const input = parseObject(
      named,
      { kind: request.kind, namespace: request.namespace, name: undefined },
      fieldValidationOf(request),
    );
    const object = await admitted(parts, request, {
      operation: "create",
      object: ownedByServer(request, input.object),
      old: undefined,
      dryRun,
    });
    try {
      const created = await parts.store.create(request.kind, object, { dryRun });
      return answer(parts, request, { code: 201, object: created, warnings: input.warnings });
    } catch (thrown) {
      if (generateName === undefined || codeOf(thrown) !== "already-exists" || attempt === generatedNameAttempts)
        throw thrown;
    }
  }
}

export async function updateObject(parts: ResourceParts, request: ResourceRequest): Promise<Answer> {
  const body = readBody(request.body, request.contentType);
  const current = parts.store.read(request.kind, keyOf(request));
  return store(parts, request, { current, body });
}

/** Repeats with the newer object when someone else wrote between, unless the patch itself names a version. */
export async function patchObject(parts: ResourceParts, request: ResourceRequest): Promise<Answer> {
  const patch = parsePatch(request.body, request.contentType, request.kind);
  for (let attempt = 1; ; attempt += 1) {
    const current = parts.store.read(request.kind, keyOf(request));
    const body = patch(current);
    try {
      return await store(parts, request, { current, body });
    } catch (thrown) {
      const wanted = asRecord(asRecord(body, "the object")["metadata"] ?? {}, "metadata")["resourceVersion"];
      if (codeOf(thrown) !== "conflict" || wanted !== current.metadata.resourceVersion || attempt === patchAttempts)
        throw thrown;
      if (parts.store.read(request.kind, keyOf(request)).metadata.resourceVersion === current.metadata.resourceVersion)
        throw thrown;
    }
  }
}

async function store(
  parts: ResourceParts,
  request: ResourceRequest,
  change: { current: ApiObject; body: unknown },
): Promise<Answer> {
  const { current, body } = change;
  const dryRun = isDryRun(request.query.getAll("dryRun"));
  const input: ObjectInput = parseObject(
    body,
    { kind: request.kind, namespace: request.namespace, name: request.name },
    fieldValidationOf(request),
  );
  if (request.subresource === undefined) checkImmutable(request.kind, current, input.object);
  const object = await admitted(parts, request, { operation: "update", object: input.object, old: current, dryRun });
  const updated = await parts.store.update(request.kind, object, { scope: request.subresource ?? "main", dryRun });
  return answer(parts, request, { code: 200, object: updated, warnings: input.warnings });
}

/** Status is the fleet's to say; a namespace is held until it is empty. */
function ownedByServer({ kind }: ResourceRequest, object: ApiObject): ApiObject {
  const { status, ...rest } = object;
  const stored: ApiObject = kind.statusSubresource || status === undefined ? rest : object;
  if (kind.plural !== namespaceKind.plural) return stored;
  const finalizers = [...new Set([...(stored.metadata.finalizers ?? []), contentFinalizer])];
  return { ...stored, metadata: { ...stored.metadata, finalizers } };
}

async function admitted(
  parts: ResourceParts,
  request: ResourceRequest,
  write: { operation: "create" | "update"; object: ApiObject; old: ApiObject | undefined; dryRun: boolean },
): Promise<ApiObject> {
  let { object } = write;
  for (const admit of parts.admission) {
    object = await admit({
      ...write,
      object,
      kind: request.kind,
      subresource: request.subresource,
      user: request.user,
    });
  }
  return object;
}

function requireNamespace({ store: objects }: ResourceParts, { kind, namespace }: ResourceRequest): void {
  if (!kind.namespaced || namespace === undefined) return;
  const found = objects.get(namespaceKind, { name: namespace });
  if (found === undefined)
    throw notFound(`namespaces "${namespace}" not found`, { name: namespace, group: "", kind: "namespaces" });
  if (found.metadata.deletionTimestamp !== undefined) {
    throw forbidden(`unable to create new content in namespace ${namespace} because it is being terminated`, {
      kind: kind.plural,
      group: kind.group,
      causes: [
        {
          reason: "NamespaceTerminating",
          message: `namespace ${namespace} is being terminated`,
          field: "metadata.namespace",
        },
      ],
    });
  }
}

function answer(
  { environment }: ResourceParts,
  request: ResourceRequest,
  written: { code: number; object: ApiObject; warnings: readonly string[] },
): Answer {
  const representation = representationOf(request.accept, request.query);
  return {
    code: written.code,
    body: objectJson(request.kind, written.object, { representation, nowMs: environment.nowMs() }),
    warnings: written.warnings,
  };
}

function fieldValidationOf({ query }: ResourceRequest): FieldValidation {
  const asked = query.get("fieldValidation") ?? "Warn";
  if (asked === "Ignore" || asked === "Warn" || asked === "Strict") return asked;
  throw badRequest(`fieldValidation: "${asked}" is not Ignore, Warn or Strict`);
}

function randomSuffix({ environment }: ResourceParts): string {
  return Array.from({ length: 5 }, () => suffixAlphabet[Math.floor(environment.random() * suffixAlphabet.length)]).join(
    "",
  );
}
