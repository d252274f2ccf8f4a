import { describe, expect, test } from "vitest";
import type { FailoverNode, FailoverState, FailoverView } from "./failover-step.ts";
import { failoverStep, noFailover } from "./failover-step.ts";
import { brakeOf, nodesPerSecond } from "./storm-brake.ts";

const timing = { graceMs: 10_000, unhealthyAfterMs: 10_000 };
const well = 1000;
const lost = 30_001;

function node(name: string, change: Partial<FailoverNode> = {}): FailoverNode {
  return { name, zone: "", silentMs: well, leaseMs: 20_000, servers: 5, ...change };
}

function nodes(silences: readonly number[], zone = ""): FailoverNode[] {
  return silences.map((silentMs, index) => node(`${zone}host-${index + 1}`, { silentMs, zone }));
}

function look(fleet: readonly FailoverNode[], state: FailoverState = noFailover, nowMs = 0) {
  const { state: next, held, brake } = failoverStep(state, { nowMs, nodes: fleet, ...timing });
  return { acting: [...next.acting], held: held.map(({ node: name }) => name), brake, state: next };
}

describe("a lost node", () => {
  test.each([
    ["heard of lately", [well, well, well], [], []],
    ["silent, but not ready only", [10_001, well, well], [], []],
    ["silent for exactly lease and grace", [30_000, well, well], [], []],
    ["silent for longer", [lost, well, well], ["host-1"], []],
    ["one of two", [lost, well], ["host-1"], []],
    ["the only one", [lost], [], ["host-1"]],
    ["all there are", [lost, lost, lost], [], ["host-1", "host-2", "host-3"]],
    ["two of three: one now, one later", [lost, lost + 1, well], ["host-2"], ["host-1"]],
    ["three of four", [lost, lost, lost, well], [], ["host-1", "host-2", "host-3"]],
  ])("%s", (_what, silences, acting, held) => {
    expect(look(nodes(silences))).toMatchObject({ acting, held });
  });

  test("has the lease that it was told, if that is longer", () => {
    expect(look([node("host-1", { silentMs: lost, leaseMs: 60_000 }), node("host-2")]).acting).toEqual([]);
  });

  test("without servers to take over uses nothing up", () => {
    const fleet = [node("host-1", { silentMs: lost + 1, servers: 0 }), node("host-2", { silentMs: lost })];
    expect(look([...fleet, ...nodes([well, well], "b")]).acting).toEqual(["host-2"]);
  });

  test("is acted upon until it is heard of", () => {
    const first = look(nodes([lost, well, well]));
    const second = look(nodes([lost + 1000, well, well]), first.state, 1000);
    expect(second.acting).toEqual(["host-1"]);
    expect(look(nodes([well, well, well]), second.state, 2000).acting).toEqual([]);
  });

  test("after another one waits for ten seconds", () => {
    const fleet = (silentMs: number) =>
      [...nodes([silentMs + 1, silentMs]), ...nodes([well, well, well], "b")].map((each) => ({ ...each, zone: "" }));
    const first = look(fleet(lost));
    expect(first).toMatchObject({ acting: ["host-1"], held: ["host-2"] });
    expect(look(fleet(lost + 9900), first.state, 9900).held).toEqual(["host-2"]);
    expect(look(fleet(lost + 10_000), first.state, 10_000).acting).toEqual(["host-1", "host-2"]);
  });
});

describe("the brake", () => {
  const zone = (name: string, healthy: number, gone: number) => [
    ...Array.from({ length: healthy }, () => ({ zone: name, isHealthy: true })),
    ...Array.from({ length: gone }, () => ({ zone: name, isHealthy: false })),
  ];
  test.each([
    ["half of a large fleet", zone("a", 50, 50), "free", "free"],
    ["more than half of a large fleet", zone("a", 44, 56), "slow", "slow"],
    ["more than half of a small fleet", zone("a", 4, 6), "stopped", "stopped"],
    ["the whole fleet", zone("a", 0, 100), "stopped", "stopped"],
    ["the whole of one zone of three", [...zone("a", 0, 30), ...zone("b", 30, 0), ...zone("c", 30, 0)], "free", "free"],
    [
      "most of a small zone of three",
      [...zone("a", 5, 25), ...zone("b", 30, 0), ...zone("c", 30, 0)],
      "free",
      "stopped",
    ],
    ["most of a large zone of three", [...zone("a", 5, 55), ...zone("b", 60, 0), ...zone("c", 60, 0)], "free", "slow"],
  ])("%s", (_what, fleet, ofFleet, ofZone) => {
    const brake = brakeOf(fleet);
    expect([brake.fleet, brake.zones.get("a")]).toEqual([ofFleet, ofZone]);
  });
});

describe("whatever happens to a fleet", () => {
  test.each(Array.from({ length: 60 }, (_, seed) => seed))(
    "nothing is acted upon early, nor more than the brake allows (seed %d)",
    (seed) => {
      const random = mulberry32(seed);
      const size = 2 + Math.floor(random() * 120);
      const zones = 1 + Math.floor(random() * 3);
      const fleet = Array.from({ length: size }, (_, index) =>
        node(`host-${index}`, {
          zone: `z${index % zones}`,
          silentMs: 0,
          leaseMs: 5000 + Math.floor(random() * 20_000),
        }),
      );
      const isSilent = new Set<string>();
      const wrong: string[] = [];
      let state = noFailover;
      let allowed = new Map<string, number>();
      for (let nowMs = 0; nowMs < 300_000;) {
        const stepMs = 100 + Math.floor(random() * 900);
        nowMs += stepMs;
        // Now and then a share of the fleet is cut off, or comes back.
        if (random() < 0.02) for (const { name } of fleet) if (random() < 0.4) isSilent.add(name);
        if (random() < 0.02) for (const { name } of fleet) if (random() < 0.6) isSilent.delete(name);
        for (const each of fleet) each.silentMs = isSilent.has(each.name) ? each.silentMs + stepMs : 0;
        const view: FailoverView = { nowMs, nodes: fleet, ...timing };
        const { state: next, brake } = failoverStep(state, view);
        const begun = [...next.acting].filter((name) => !state.acting.has(name));
        allowed = new Map(
          [...brake.zones].map(([zone, mode]) => [
            zone,
            Math.min(1, (allowed.get(zone) ?? 1) + (nodesPerSecond[mode] * stepMs) / 1000),
          ]),
        );
        for (const name of begun) {
          const each = fleet.find((found) => found.name === name);
          const zone = each?.zone ?? "";
          if (each === undefined || each.silentMs <= each.leaseMs + timing.graceMs) wrong.push(`${name} early`);
          if (brake.zones.get(zone) === "stopped" || (allowed.get(zone) ?? 0) < 0.999) wrong.push(`${name} too many`);
          allowed.set(zone, (allowed.get(zone) ?? 0) - 1);
        }
        for (const name of next.acting) if (!isSilent.has(name)) wrong.push(`${name} is well`);
        if (brake.fleet === "stopped" && begun.length > 0) wrong.push("braked");
        state = next;
      }
      expect(wrong).toEqual([]);
    },
  );
});

function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
