import { decodeKubernetesProtobuf } from "./kubernetes-protobuf.ts";
import { badRequest, unsupportedMediaType } from "./status.ts";

export const bodyLimitBytes = 3 * 1024 * 1024;
const depthLimit = 64;
const protobufType = "application/vnd.kubernetes.protobuf";

export function mediaTypeOf(contentType: string | undefined): string {
  return (contentType ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
}

/** None for an empty body. Some of kubectl's bodies carry no type: they are JSON. */
export function readBody(body: Buffer | undefined, contentType: string | undefined): unknown {
  if (body === undefined || body.length === 0) return undefined;
  const type = mediaTypeOf(contentType);
  if (type === protobufType) return decodeKubernetesProtobuf(body);
  if (type !== "" && type !== "application/json")
    throw unsupportedMediaType(`the body is ${type}: application/json is needed`);
  return parseJson(body);
}

/** Bounded in depth, and without the member that would reach an object's prototype. Throws 400. */
export function parseJson(body: Buffer): unknown {
  let value: unknown;
  try {
    value = JSON.parse(body.toString("utf8"));
  } catch (thrown) {
    throw badRequest(`the body is not JSON: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
  checkShape(value);
  return value;
}

function checkShape(top: unknown): void {
  let level: unknown[] = [top];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > depthLimit) throw badRequest(`the body is nested more than ${depthLimit} deep`);
    const next: unknown[] = [];
    for (const value of level) {
      if (typeof value !== "object" || value === null) continue;
      if (Object.hasOwn(value, "__proto__")) throw badRequest('the body has a member named "__proto__"');
      for (const member of Object.values(value) as unknown[]) next.push(member);
    }
    level = next;
  }
}

export function asRecord(value: unknown, what: string): Record<string, unknown> {
  if (!isRecord(value)) throw badRequest(`${what} must be an object`);
  return value;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
