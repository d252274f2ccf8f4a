import { createHash } from "node:crypto";
import { apiVersionOf, kinds, version, type Kind, type Verb } from "@vfleet/shared";
import { z } from "zod";
import { groupPath } from "./paths.ts";

/** What kubectl asks OpenAPI v2 as. An empty document of this type tells it that there is nothing to check. */
export const openApiV2Type = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
export const openApiV2 = { swagger: "2.0", info: { title: "vfleet", version: version }, paths: {} };

type Json = Record<string, unknown>;

/** `api/v1` -> its OpenAPI v3 document, as text. */
export const openApiV3Documents: ReadonlyMap<string, string> = new Map(
  [...Map.groupBy(kinds, groupPath)].map(([path, members]) => [path, JSON.stringify(documentOf(members))]),
);

/** `/openapi/v3`. The digest lets clients keep a document for as long as it is the same. */
export const openApiV3Index = {
  paths: Object.fromEntries(
    [...openApiV3Documents].map(([path, text]) => [
      path,
      {
        serverRelativeURL: `/openapi/v3/${path}?hash=${createHash("sha256").update(text).digest("hex").slice(0, 32).toUpperCase()}`,
      },
    ]),
  ),
};

function documentOf(members: readonly Kind[]): Json {
  return {
    openapi: "3.0.0",
    info: { title: "vfleet", version: version },
    paths: Object.assign({}, ...members.map(pathsOf)) as Json,
    components: { schemas: Object.fromEntries(members.map((kind) => [schemaName(kind), schemaOf(kind)])) },
  };
}

function pathsOf(kind: Kind): Json {
  const base = `/${groupPath(kind)}/${kind.namespaced ? "namespaces/{namespace}/" : ""}${kind.plural}`;
  const place = kind.namespaced ? [parameter("namespace", "path", "Namespace of the object")] : [];
  const item = [...place, parameter("name", "path", "Name of the object")];
  return {
    [base]: {
      parameters: place,
      ...operation(kind, "list", {
        get: "list",
        query: ["labelSelector", "fieldSelector", "limit", "continue", "resourceVersion", "watch"],
      }),
      ...operation(kind, "create", { post: "post", query: ["dryRun", "fieldManager", "fieldValidation"] }),
      ...operation(kind, "deletecollection", {
        delete: "deletecollection",
        query: ["labelSelector", "fieldSelector", "dryRun"],
      }),
    },
    [`${base}/{name}`]: {
      parameters: item,
      ...operation(kind, "get", { get: "get", query: [] }),
      ...operation(kind, "update", { put: "put", query: ["dryRun", "fieldManager", "fieldValidation"] }),
      ...operation(kind, "patch", { patch: "patch", query: ["dryRun", "fieldManager", "fieldValidation", "force"] }),
      ...operation(kind, "delete", { delete: "delete", query: ["dryRun", "propagationPolicy"] }),
    },
  };
}

function operation(
  kind: Kind,
  verb: Verb,
  shape: { get?: string; post?: string; put?: string; patch?: string; delete?: string; query: readonly string[] },
): Json {
  if (!kind.verbs.includes(verb)) return {};
  const { query, ...methods } = shape;
  const content = { "application/json": { schema: { $ref: `#/components/schemas/${schemaName(kind)}` } } };
  return Object.fromEntries(
    Object.entries(methods).map(([method, action]) => [
      method,
      {
        operationId: `${verb}${kind.kind}`,
        parameters: query.map((name) => parameter(name, "query", "")),
        ...(method === "post" || method === "put" ? { requestBody: { content } } : {}),
        ...(method === "patch"
          ? {
              requestBody: {
                content: {
                  "application/merge-patch+json": { schema: { type: "object" } },
                  "application/json-patch+json": { schema: { type: "array", items: { type: "object" } } },
                },
              },
            }
          : {}),
        responses: { 200: { description: "OK", content } },
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": gvk(kind),
      },
    ]),
  );
}

function parameter(name: string, where: "path" | "query", description: string): Json {
  return {
    name,
    in: where,
    description,
    ...(where === "path" ? { required: true } : {}),
    schema: { type: name === "limit" ? "integer" : "string", uniqueItems: true },
  };
}

function schemaOf(kind: Kind): Json {
  const schema = z.toJSONSchema(kind.schema, { target: "openapi-3.0", io: "input", unrepresentable: "any" }) as Json; // JSON by its making
  return {
    description: `${kind.kind} of ${apiVersionOf(kind)}`,
    ...(structural(schema) as Json),
    "x-kubernetes-group-version-kind": [gvk(kind)],
  };
}

/** In the form that kubectl can explain: one type per member, alternatives side by side, nothing it doesn't know. */
function structural(schema: unknown): unknown {
  if (typeof schema !== "object" || schema === null) return schema;
  if (Array.isArray(schema)) return schema.map(structural);
  const { anyOf, oneOf, additionalProperties, ...rest } = schema as Json;
  const alternatives = (anyOf ?? oneOf) as readonly Json[] | undefined; // by JSON Schema's own grammar
  const own = Object.fromEntries(
    Object.entries(rest)
      .filter(([name]) => name !== "$schema" && name !== "format")
      .map(([name, value]) => [name, structural(value)]),
  );
  const extra =
    typeof additionalProperties === "object" &&
    additionalProperties !== null &&
    Object.keys(additionalProperties).length > 0
      ? { additionalProperties: structural(additionalProperties) }
      : {};
  if (alternatives === undefined) return { ...own, ...extra };
  const objects = alternatives.filter((alternative) => alternative["type"] === "object");
  if (objects.length === alternatives.length) {
    const properties = Object.assign({}, ...objects.map((alternative) => alternative["properties"])) as Json;
    return {
      ...own,
      type: "object",
      description: own["description"] ?? `One of: ${Object.keys(properties).join(", ")}`,
      properties: structural(properties),
    };
  }
  return { ...own, type: "string" };
}

function schemaName(kind: Kind): string {
  const group = kind.group === "" ? "io.k8s.api.core" : kind.group.split(".").toReversed().join(".");
  return `${group}.${kind.version}.${kind.kind}`;
}

function gvk(kind: Kind): Json {
  return { group: kind.group, version: kind.version, kind: kind.kind };
}
