import { nodeKind, virtualServerKind, type Kind } from "@vfleet/shared";
import { describe, expect, test } from "vitest";
import { mergePatch, parsePatch } from "./patch.ts";
import { strategicMerge } from "./strategic-merge.ts";

const server = virtualServerKind as unknown as Kind;
const node = nodeKind as unknown as Kind;
const apply = (type: string, patch: unknown, object: unknown, kind = server) =>
  parsePatch(Buffer.from(JSON.stringify(patch)), type, kind)(object);

describe("merge patch (RFC 7396, appendix A)", () => {
  test.each([
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    [{ a: "b" }, { a: null }, {}],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: "b", c: null }, { a: "b" }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])("%j with %j is %j", (target, patch, result) => {
    expect(mergePatch(target, patch)).toEqual(result);
  });
});

describe("JSON patch", () => {
  test("changes a copy", () => {
    const object = Object.freeze({ a: 1 });
    expect(apply("application/json-patch+json", [{ op: "replace", path: "/a", value: 2 }], object)).toEqual({ a: 2 });
    expect(object.a).toBe(1);
  });

  test.each([
    [[{ op: "test", path: "/a", value: 2 }], 422],
    [[{ op: "replace", path: "/missing/deep", value: 2 }], 400],
    [[{ op: "explode", path: "/a" }], 400],
    [{ not: "an array" }, 400],
    [[{ op: "add", path: "/__proto__/x", value: 1 }], 400],
  ])("%j answers %i", (patch, code) => {
    expect(() => apply("application/json-patch+json", patch, { a: 1 })).toThrow(expect.objectContaining({ code }));
  });
});

describe("strategic merge patch", () => {
  test("merges conditions by their type, and replaces taints", () => {
    const current = {
      spec: { taints: [{ key: "a" }] },
      status: {
        conditions: [
          { type: "Ready", status: "True" },
          { type: "Disk", status: "True" },
        ],
      },
    };
    const patch = {
      spec: { taints: [{ key: "b" }] },
      status: {
        $setElementOrder: [],
        conditions: [
          { type: "Ready", status: "False" },
          { type: "Disk", $patch: "delete" },
        ],
      },
    };
    expect(strategicMerge(current, patch)).toEqual({
      spec: { taints: [{ key: "b" }] },
      status: { conditions: [{ type: "Ready", status: "False" }] },
    });
  });

  test("adds to and takes from finalizers", () => {
    expect(
      strategicMerge(
        { metadata: { finalizers: ["a"] } },
        { metadata: { finalizers: ["b"], "$deleteFromPrimitiveList/finalizers": ["a"] } },
      ),
    ).toEqual({ metadata: { finalizers: ["b"] } });
  });

  test("is for core kinds only", () => {
    expect(apply("application/strategic-merge-patch+json", { spec: { unschedulable: true } }, {}, node)).toEqual({
      spec: { unschedulable: true },
    });
    expect(() => apply("application/strategic-merge-patch+json", {}, {})).toThrow(
      expect.objectContaining({ code: 415 }),
    );
  });
});

test("server-side apply says that it is not there yet", () => {
  expect(() => apply("application/apply-patch+yaml", {}, {})).toThrow(/not available yet/);
});
