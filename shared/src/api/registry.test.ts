import { describe, expect, test } from "vitest";
import { findKind, kinds } from "./registry.ts";
import { virtualServerSchema } from "./virtual-server.ts";

describe("registry of kinds", () => {
  test("has no word that means two kinds", () => {
    const words = kinds.flatMap((kind) => [kind.plural, kind.singular, ...kind.shortNames]);
    expect(
      words.filter(
        (word, index) => words.indexOf(word) !== index && kinds.every((kind) => kind.plural !== kind.singular),
      ),
    ).toEqual([]);
  });

  test.each([
    ["vs", "VirtualServer"],
    ["VirtualServers", "VirtualServer"],
    ["virtualserver.vfleet.dev", "VirtualServer"],
    ["no", "Node"],
    ["mig", "Migration"],
  ])("finds %s", (word, kind) => {
    expect(findKind(word)?.kind).toBe(kind);
  });
});

describe("VirtualServer schema", () => {
  const base = { apiVersion: "vfleet.dev/v1", kind: "VirtualServer", metadata: { name: "cache" } };

  test("fills the defaults an operator expects", () => {
    const server = virtualServerSchema.parse({ ...base, spec: { image: "debian-12" } });
    expect(server.spec.resources.limits.memory).toBe("1Gi");
    expect(server.spec.runStrategy).toBe("Running");
    expect(server.spec.migration).toEqual({
      mode: "Auto",
      allowPostCopy: false,
      maxDowntimeMs: 900,
      rounds: 10,
      completionTimeoutPerGiBSeconds: 150,
      progressTimeoutSeconds: 150,
      rebalance: "Allow",
    });
  });

  test.each([
    ["an unknown member", { image: "a", privileged: true }, "privileged"],
    ["a bad quantity", { image: "a", resources: { limits: { memory: "-1Gi" } } }, "-1Gi"],
    ["a fractional byte", { image: "a", resources: { limits: { memory: "0.1" } } }, "0.1"],
    ["a path as an image", { image: "../etc" }, "must be lower-case"],
    [
      "post-copy that is not allowed",
      { image: "a", migration: { mode: "Postcopy" } },
      'mode \\"Postcopy\\" needs allowPostCopy: true',
    ],
    ["a mode that nobody knows", { image: "a", migration: { mode: "Warp" } }, "Postcopy"],
    ["no bandwidth at all", { image: "a", migration: { bandwidth: "0M" } }, "more than 0"],
    ["no rounds", { image: "a", migration: { rounds: 0 } }, "rounds"],
    ["a NUL in the command", { image: "a", command: ["sh\0"] }, "NUL"],
  ])("refuses %s and names it", (_what, spec, named) => {
    const result = virtualServerSchema.safeParse({ ...base, spec });
    expect(result.success).toBe(false);
    expect(JSON.stringify(result.error?.issues)).toContain(named);
  });
});
