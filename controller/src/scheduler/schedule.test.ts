import { describe, expect, test } from "vitest";
import { AddressPool, allocateIdBlock, macAddressOf } from "./addresses.ts";
import type { Candidate, Demand } from "./placement.ts";
import { take } from "./placement.ts";
import { schedule } from "./schedule.ts";

const gibibyte = 2 ** 30;

function candidate(name: string, changes: Partial<Candidate> = {}): Candidate {
  return {
    name,
    ready: true,
    cordoned: false,
    labels: {},
    taints: [],
    allocatable: { milliCpu: 4000, memoryBytes: 8 * gibibyte, servers: 100 },
    used: { milliCpu: 0, memoryBytes: 0, servers: 0 },
    images: new Set(),
    ...changes,
  };
}

const demand: Demand = { milliCpu: 100, memoryBytes: 4 * gibibyte, nodeSelector: {}, image: "debian" };
const almostFull = { used: { milliCpu: 0, memoryBytes: 7 * gibibyte + 5000, servers: 1 } };

describe("schedule", () => {
  test.each([
    [
      "cordon",
      [candidate("a", { cordoned: true }), candidate("b", { cordoned: true }), candidate("c", almostFull)],
      "0/3 nodes fit: 2 cordoned, 1 too little memory (requested 4Gi, free 1023Mi)",
    ],
    ["readiness", [candidate("a", { ready: false })], "0/1 nodes fit: 1 not ready"],
    ["taints", [candidate("a", { taints: ["gpu:NoSchedule"] })], "0/1 nodes fit: 1 tainted (gpu:NoSchedule)"],
    [
      "CPU",
      [candidate("a", { used: { milliCpu: 3950, memoryBytes: 0, servers: 1 } })],
      "0/1 nodes fit: 1 too little CPU (requested 100m, free 50m)",
    ],
    [
      "count",
      [candidate("a", { used: { milliCpu: 0, memoryBytes: 0, servers: 100 } })],
      "0/1 nodes fit: 1 full (100 servers)",
    ],
    ["an empty fleet", [], "no node has joined the fleet"],
  ])("says why not: %s", (_what, candidates, message) => {
    expect(schedule(candidates, demand)).toEqual({ unschedulable: message });
  });

  test("names the label that a node lacks", () => {
    expect(schedule([candidate("a")], { ...demand, nodeSelector: { disk: "ssd" } })).toEqual({
      unschedulable: "0/1 nodes fit: 1 without label disk=ssd",
    });
  });

  test("names the reason of an excluded node", () => {
    expect(schedule([candidate("a")], demand, new Map([["a", "it runs there"]]))).toEqual({
      unschedulable: "0/1 nodes fit: 1 it runs there",
    });
  });

  test("prefers a node that has the image, but spreads before that", () => {
    const small = { ...demand, memoryBytes: 128 * 2 ** 20 };
    const nodes = [candidate("a"), candidate("b"), candidate("c", { images: new Set(["debian"]) })];
    const order = Array.from({ length: 3 }, () => {
      const choice = schedule(nodes, small);
      if (!("node" in choice)) throw new Error(choice.unschedulable);
      take(
        nodes.find((node) => node.name === choice.node),
        small,
      );
      return choice.node;
    });
    expect(order).toEqual(["c", "a", "b"]);
  });

  test("never fills a node beyond what it can allocate", () => {
    const nodes = [candidate("a"), candidate("b")];
    for (let count = 0; count < 10; count++) {
      const choice = schedule(nodes, demand);
      if ("node" in choice)
        take(
          nodes.find((node) => node.name === choice.node),
          demand,
        );
    }
    for (const node of nodes) expect(node.used.memoryBytes).toBeLessThanOrEqual(node.allocatable.memoryBytes);
    expect(nodes.reduce((sum, node) => sum + node.used.servers, 0)).toBe(4);
  });
});

describe("addresses", () => {
  const pool = new AddressPool({ range: "10.200.0.0/29", gatewayAddress: "10.200.0.1", reserved: ["10.200.0.4/31"] });

  test("gives the next that is neither reserved nor taken, and comes back to those given back", () => {
    const fresh = new AddressPool({
      range: "10.200.0.0/29",
      gatewayAddress: "10.200.0.1",
      reserved: ["10.200.0.4/31"],
    });
    expect([1, 2, 3, 4].map(() => fresh.allocate(new Set()))).toEqual([
      "10.200.0.2",
      "10.200.0.3",
      "10.200.0.6",
      "10.200.0.2",
    ]);
    expect(fresh.allocate(new Set(["10.200.0.3", "10.200.0.6"]))).toBe("10.200.0.2");
  });

  test("says when none is left", () => {
    expect(() => pool.allocate(new Set(["10.200.0.2", "10.200.0.3", "10.200.0.6"]))).toThrow(
      "none of 10.200.0.0/29 is free",
    );
  });

  test.each([
    ["10.200.0.0", "outside"],
    ["10.200.0.7", "outside"],
    ["10.201.0.2", "outside"],
    ["10.200.0.1", "reserved"],
    ["10.200.0.5", "reserved"],
  ])("objects to %s: %s", (address, reason) => expect(pool.objection(address)).toContain(reason));

  test("has no objection to a free one", () => expect(pool.objection("10.200.0.3")).toBeUndefined());
  test("makes the MAC of the address", () => expect(macAddressOf("10.200.0.20")).toBe("02:76:0a:c8:00:14"));
  test("gives blocks of ids that don't overlap", () => {
    expect(allocateIdBlock({ start: 1_000_000_000, count: 3 }, new Set([1_000_000_000]))).toBe(1_000_065_536);
    expect(() => allocateIdBlock({ start: 0, count: 1 }, new Set([0]))).toThrow("all 1 are taken");
  });
});
