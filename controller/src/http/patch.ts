import type { Kind } from "@vfleet/shared";
import jsonPatch from "fast-json-patch";
import { asRecord, isRecord, mediaTypeOf, parseJson } from "./request-body.ts";
import { badRequest, StatusError, unsupportedMediaType } from "./status.ts";
import { strategicMerge } from "./strategic-merge.ts";

/** Changes an object as a client asked; the result is checked like any other input. Never changes its argument. */
export type Patch = (object: unknown) => unknown;

const operationLimit = 10_000;

/** Reads a patch by its media type. Throws 400 for a bad one, 415 for a type that the kind doesn't take. */
export function parsePatch(body: Buffer | undefined, contentType: string | undefined, kind: Kind): Patch {
  const type = mediaTypeOf(contentType);
  if (type === "application/apply-patch+yaml" || type === "application/apply-patch+cbor") {
    throw unsupportedMediaType("server-side apply is not available yet: use client-side apply");
  }
  if (type === "application/strategic-merge-patch+json" && kind.group !== "") {
    throw unsupportedMediaType(
      "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json",
    );
  }
  const value = body === undefined || body.length === 0 ? {} : parseJson(body);
  switch (type) {
    case "application/merge-patch+json":
      asRecord(value, "the patch");
      return (object) => mergePatch(object, value);
    case "application/strategic-merge-patch+json": {
      const patch = asRecord(value, "the patch");
      return (object) => strategicMerge(asRecord(object, "the object"), patch);
    }
    case "application/json-patch+json":
      return jsonPatchOf(value);
    default:
      throw unsupportedMediaType(
        `a patch cannot be "${type}": application/merge-patch+json or application/json-patch+json is needed`,
      );
  }
}

/** RFC 7396. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const result: Record<string, unknown> = isRecord(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = mergePatch(result[name], value);
  }
  return result;
}

function jsonPatchOf(value: unknown): Patch {
  if (!Array.isArray(value)) throw badRequest("a JSON patch must be an array");
  if (value.length > operationLimit)
    throw new StatusError(
      { code: 413, reason: "RequestEntityTooLarge" },
      `a JSON patch may have ${operationLimit} operations, this one has ${value.length}`,
    );
  const operations = value as jsonPatch.Operation[]; // checked by the library as it applies them
  return (object) => {
    try {
      return jsonPatch.applyPatch(structuredClone(object), operations, true, false).newDocument;
    } catch (thrown) {
      const text = thrown instanceof Error ? (thrown.message.split("\n")[0] ?? "") : String(thrown);
      const failedTest = thrown instanceof jsonPatch.JsonPatchError && thrown.name === "TEST_OPERATION_FAILED";
      throw failedTest
        ? new StatusError({ code: 422, reason: "Invalid" }, `the JSON patch's test failed: ${text}`)
        : badRequest(`the JSON patch cannot be applied: ${text}`);
    }
  };
}
