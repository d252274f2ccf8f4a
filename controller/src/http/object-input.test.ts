import { virtualServerKind, type Kind } from "@vfleet/shared";
import { describe, expect, test } from "vitest";
import { checkImmutable, parseObject } from "./object-input.ts";

const target = { kind: virtualServerKind as unknown as Kind, namespace: "default", name: undefined };
const server = (spec: object, metadata: object = {}) => ({
  apiVersion: "vfleet.dev/v1",
  kind: "VirtualServer",
  metadata: { name: "web", ...metadata },
  spec: { image: "a", ...spec },
});

describe("an object from outside", () => {
  test("gets its namespace and its defaults", () => {
    expect(parseObject(server({}), target, "Strict").object).toMatchObject({
      metadata: { namespace: "default" },
      spec: { runStrategy: "Running" },
    });
  });

  test("with unknown fields is refused, warned of, or quietly cleaned", () => {
    const body = server({ bogus: 1, resources: { limits: { gold: "1" } } }, { colour: "red" });
    expect(() => parseObject(body, target, "Strict")).toThrow('strict decoding error: unknown field "metadata.colour"');
    const warned = parseObject(body, target, "Warn");
    expect(warned.warnings).toEqual(
      expect.arrayContaining(['unknown field "spec.bogus"', 'unknown field "spec.resources.limits.gold"']),
    );
    expect(warned.object.spec).not.toHaveProperty("bogus");
    expect(parseObject(body, target, "Ignore").warnings).toEqual([]);
  });

  test.each([
    ["an unknown field before its values", server({ bogus: 1, resources: { limits: { memory: "-1" } } }), 400, "bogus"],
    ["another name", { ...server({}), metadata: { name: "other" } }, 400, "does not match the name"],
    ["another namespace", server({}, { namespace: "other" }), 400, "does not match the namespace"],
    ["another kind", { ...server({}), kind: "Node" }, 400, "the path is for"],
    ["no object", [], 400, "must be an object"],
    [
      "a bad quantity",
      server({ resources: { limits: { memory: "-1Gi" } } }),
      422,
      'spec.resources.limits.memory: Invalid value: "-1Gi"',
    ],
    ["a missing member", { ...server({}), spec: {} }, 422, "spec.image: Required value"],
    ["a wrong word", server({ runStrategy: "Sometimes" }), 422, 'supported values: "Running", "Stopped"'],
    ["a member of a list", server({ command: ["a", "b\0"] }), 422, "spec.command[1]"],
    ["a path as a name", server({}, { name: "../x" }), 422, "metadata.name"],
    ["a look-alike name", server({}, { name: "wеb" }), 422, "metadata.name"],
  ])("with %s is refused and named", (what, body, code, text) => {
    const place = what === "another name" ? { ...target, name: "web" } : target;
    expect(() => parseObject(body, place, "Strict")).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(text) }),
    );
  });

  test("does not change what can't change", () => {
    const old = parseObject(server({}), target, "Strict").object;
    const next = parseObject(server({ image: "b" }), target, "Strict").object;
    expect(() => checkImmutable(target.kind, old, next)).toThrow(
      expect.objectContaining({
        code: 422,
        message: expect.stringContaining('spec.image: Invalid value: "b": field is immutable'),
      }),
    );
  });
});
