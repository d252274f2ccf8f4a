import { namespaceKind, nodeKind, virtualServerKind, type Kind } from "@vfleet/shared";
import { describe, expect, test } from "vitest";
import { decodeKey, encodeKey } from "./object-key.ts";

const virtualServers = virtualServerKind as unknown as Kind;

describe("key of an object", () => {
  test.each([
    [virtualServers, { namespace: "default", name: "web" }, "vfleet=2Edev.virtualservers.default.web"],
    [nodeKind as unknown as Kind, { name: "host-1.example" }, "core.nodes._.host-1=2Eexample"],
    [namespaceKind as unknown as Kind, { name: "default" }, "core.namespaces._.default"],
  ])("of %o is reversible", (kind, key, text) => {
    expect(encodeKey(kind, key)).toBe(text);
    expect(decodeKey(text)).toEqual({ kind, key });
  });

  test.each(["a.b", "*", ">", "a b", "ü", "=2E", "a/b"])(
    "holds the name %j in characters that a key may have",
    (name) => {
      const text = encodeKey(virtualServers, { namespace: "n", name });
      expect(text).toMatch(/^[-/_=.a-zA-Z0-9]+$/);
      expect(text.split(".")).toHaveLength(4);
      expect(decodeKey(text)?.key.name).toBe(name);
    },
  );

  test("of an unknown kind is nobody's", () => {
    expect(decodeKey("example=2Eorg.widgets.default.web")).toBeUndefined();
  });
});
