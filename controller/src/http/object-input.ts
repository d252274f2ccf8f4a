import { apiVersionOf, objectMetaSchema, type ApiObject, type Kind } from "@vfleet/shared";
import type { z } from "zod";
import { asRecord } from "./request-body.ts";
import { badRequest, invalid, type StatusCause } from "./status.ts";

export type FieldValidation = "Ignore" | "Warn" | "Strict";

/** Where a request stands: what its object must agree with. */
export interface ObjectTarget {
  kind: Kind;
  namespace: string | undefined;
  /** None for `create`. */
  name: string | undefined;
}

export interface ObjectInput {
  object: ApiObject;
  /** For `Warning` headers. */
  warnings: string[];
}

const metadataMembers = Object.keys(objectMetaSchema.shape);
const maximumRounds = 16;

/** A body as an object of the kind: names agreed with the path, unknown fields by `validation`, defaults filled. Throws 400 and 422. */
export function parseObject(body: unknown, target: ObjectTarget, validation: FieldValidation): ObjectInput {
  const record = structuredClone(asRecord(body, "the body"));
  const { kind } = target;
  record["apiVersion"] ??= apiVersionOf(kind);
  record["kind"] ??= kind.kind;
  if (record["apiVersion"] !== apiVersionOf(kind) || record["kind"] !== kind.kind) {
    throw badRequest(
      `the object is ${text(record["apiVersion"])} ${text(record["kind"])}, the path is for ${apiVersionOf(kind)} ${kind.kind}`,
    );
  }
  const metadata = asRecord(record["metadata"] ?? {}, "metadata");
  record["metadata"] = metadata;
  agree(metadata, target);
  const unknown = Object.keys(metadata)
    .filter((member) => !metadataMembers.includes(member))
    .map((member) => `metadata.${member}`);
  const { result, stripped } = parseStripping(record, kind);
  unknown.push(...stripped);
  const messages = unknown.map((field) => `unknown field "${field}"`);
  if (validation === "Strict" && messages.length > 0) throw badRequest(`strict decoding error: ${messages.join(", ")}`);
  if (!result.success) {
    throw invalid(
      { kind: kind.kind, group: kind.group, name: text(metadata["name"]) },
      result.error.issues.flatMap((issue) => causesOf(issue, record)),
    );
  }
  return { object: result.data, warnings: validation === "Warn" ? messages : [] };
}

/** 422 for members of the kind that can't change once made. */
export function checkImmutable(kind: Kind, old: ApiObject, next: ApiObject): void {
  const causes = (kind.immutable ?? [])
    .filter((path) => JSON.stringify(memberAt(old, path)) !== JSON.stringify(memberAt(next, path)))
    .map((path): StatusCause => ({
      reason: "FieldValueInvalid",
      message: `Invalid value: ${JSON.stringify(memberAt(next, path) ?? null)}: field is immutable`,
      field: path,
    }));
  if (causes.length > 0) throw invalid({ kind: kind.kind, group: kind.group, name: old.metadata.name }, causes);
}

function agree(metadata: Record<string, unknown>, target: ObjectTarget): void {
  if (target.name !== undefined) {
    metadata["name"] ??= target.name;
    if (metadata["name"] !== target.name)
      throw badRequest(
        `the name of the object (${text(metadata["name"])}) does not match the name on the URL (${target.name})`,
      );
  }
  if (!target.kind.namespaced) {
    if (metadata["namespace"] === "") delete metadata["namespace"];
    if (metadata["namespace"] !== undefined)
      throw badRequest(`${target.kind.kind} has no namespace, the object names "${text(metadata["namespace"])}"`);
    return;
  }
  metadata["namespace"] ??= target.namespace;
  if (metadata["namespace"] === "") metadata["namespace"] = target.namespace;
  if (metadata["namespace"] !== target.namespace) {
    throw badRequest(
      `the namespace of the object (${text(metadata["namespace"])}) does not match the namespace on the request (${target.namespace ?? ""})`,
    );
  }
}

/** Takes unknown members out of `record` until there is none, and says which they were. */
function parseStripping(
  record: Record<string, unknown>,
  kind: Kind,
): { result: z.ZodSafeParseResult<ApiObject>; stripped: string[] } {
  const stripped: string[] = [];
  for (let round = 0; round < maximumRounds; round += 1) {
    const result = kind.schema.safeParse(record);
    const unknown = (result.error?.issues ?? []).flatMap((issue) =>
      issue.code === "unrecognized_keys" ? [issue] : [],
    );
    if (unknown.length === 0) return { result, stripped };
    for (const issue of unknown) {
      const holder = memberAtPath(record, issue.path);
      for (const key of issue.keys) {
        stripped.push(pathText([...issue.path, key]));
        if (typeof holder === "object" && holder !== null) Reflect.deleteProperty(holder, key);
      }
    }
  }
  throw badRequest("the object has unknown fields inside unknown fields");
}

function causesOf(issue: z.core.$ZodIssue, record: unknown): StatusCause[] {
  const value = memberAtPath(record, issue.path);
  const field = pathText(issue.path);
  if (issue.code === "invalid_union" && issue.errors.length > 0) return unionCauses(issue, record);
  if (issue.code === "invalid_type" && value === undefined)
    return [{ reason: "FieldValueRequired", message: "Required value", field }];
  if (issue.code === "invalid_value") {
    const supported = issue.values.map((each) => JSON.stringify(each) ?? String(each)).join(", ");
    return [
      {
        reason: "FieldValueNotSupported",
        message: `Unsupported value: ${shown(value)}: supported values: ${supported}`,
        field,
      },
    ];
  }
  return [{ reason: "FieldValueInvalid", message: `Invalid value: ${shown(value)}: ${issue.message}`, field }];
}

/** Of the alternatives, the one that the input came nearest to. */
function unionCauses(issue: z.core.$ZodIssueInvalidUnion, record: unknown): StatusCause[] {
  const foreign = (issues: readonly z.core.$ZodIssue[]) =>
    issues.filter(
      (each) => each.path.length <= 1 && (each.code === "unrecognized_keys" || each.code === "invalid_type"),
    ).length;
  const nearest = issue.errors.toSorted((a, b) => foreign(a) - foreign(b) || a.length - b.length)[0] ?? [];
  return nearest.flatMap((inner) => {
    const placed = { ...inner, path: [...issue.path, ...inner.path] };
    if (placed.code !== "unrecognized_keys") return causesOf(placed, record);
    return placed.keys.map((key): StatusCause => ({
      reason: "FieldValueInvalid",
      message: `Invalid value: unknown field "${key}"`,
      field: pathText(placed.path),
    }));
  });
}

function text(value: unknown): string {
  return typeof value === "string" ? value : shown(value);
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "null";
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

/** `spec.command[1]`, as Kubernetes writes paths. */
function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) => (typeof part === "number" ? `[${part}]` : `${index === 0 ? "" : "."}${String(part)}`))
    .join("");
}

function memberAt(object: ApiObject, path: string): unknown {
  return memberAtPath(object, path.split("."));
}

function memberAtPath(top: unknown, path: readonly PropertyKey[]): unknown {
  let value = top;
  for (const part of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[part]; // an own member, checked above
  }
  return value;
}
