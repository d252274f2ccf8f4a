import { describe, expect, test, vi } from "vitest";
import type { SimulatedMove, SimulatedServer } from "./simulated-fleet.ts";
import { policySpec, randomOf, simulateFleet } from "./simulated-fleet.ts";

/** An hour takes a second or so of a processor that is free. */
vi.setConfig({ testTimeout: 60_000 });

const hourMs = 3_600_000;
const lastTenMinutesMs = hourMs - 600_000;
const cooldownMs = 900_000;
/** What is still waited for at most, of what was without moves. */
const relievedShare = 0.7;
const spec = policySpec({ batch: 5 });

/** Rests that every server was given, by the rule, whatever the code says. */
function tooSoon(moves: readonly SimulatedMove[]): string[] {
  return [...Map.groupBy(moves, ({ server }) => server).values()].flatMap((own) =>
    own.slice(1).flatMap((move, index) => {
      const rested = move.atMs - (own[index]?.atMs ?? 0);
      return rested < cooldownMs * 2 ** index ? [`${move.server} after ${rested} ms`] : [];
    }),
  );
}

type Fleet = Pick<Parameters<typeof simulateFleet>[0], "nodes" | "servers" | "countsServers">;

function run(fleet: Fleet, mode: "Suggest" | "On" = "On") {
  return simulateFleet({ ...fleet, spec, mode, forMs: hourMs });
}

/** Much on few nodes, and what each wants changes by half every half minute. */
function noisyFleet(seed: number, nodes: number): SimulatedServer[] {
  const random = randomOf(seed);
  return Array.from({ length: nodes * 6 }, (_, index) => {
    const mean = 150 + random() * 500;
    const phases = Array.from({ length: 121 }, () => 0.5 + random());
    return {
      name: `server-${index + 1}`,
      node: `host-${1 + Math.floor(random() ** 1.6 * nodes)}`,
      demand: (atMs) => mean * (phases[Math.floor(atMs / 30_000)] ?? 1),
    };
  });
}

/** A third of the nodes at a time is busy, another third every twenty minutes. */
function shiftingFleet(seed: number, nodes: number): SimulatedServer[] {
  const random = randomOf(seed);
  return Array.from({ length: nodes * 6 }, (_, index) => {
    const home = index % nodes;
    const quiet = 100 + random() * 200;
    const busy = 700 + random() * 400;
    return {
      name: `server-${index + 1}`,
      node: `host-${home + 1}`,
      demand: (atMs) => (Math.floor(atMs / 1_200_000) % 3 === home % 3 ? busy : quiet),
    };
  });
}

describe.each([
  { seed: 1, nodes: 10, countsServers: true },
  { seed: 2, nodes: 25, countsServers: true },
  { seed: 3, nodes: 50, countsServers: true },
  { seed: 4, nodes: 20, countsServers: false },
])("an hour of $nodes nodes, seed $seed, servers counted singly: $countsServers", ({ seed, ...fleet }) => {
  const { nodes } = fleet;
  test.each([
    ["noisy", noisyFleet],
    ["shifting", shiftingFleet],
  ] as const)(
    "of %s load: overload is relieved, no server moves before it has rested, and moves are few",
    (_what, fleetOf) => {
      const servers = fleetOf(seed, nodes);
      const before = run({ ...fleet, servers }, "Suggest");
      const { moves, unservedSeconds } = run({ ...fleet, servers });
      expect(before.moves).toEqual([]);
      expect(tooSoon(moves)).toEqual([]);
      expect(moves.length).toBeGreaterThan(0);
      expect(moves.length).toBeLessThanOrEqual(nodes * 2);
      for (const fromMs of [0, lastTenMinutesMs])
        expect(unservedSeconds(fromMs)).toBeLessThan(before.unservedSeconds(fromMs) * relievedShare);
    },
  );

  test("of constant load that every node bears: nothing moves", () => {
    const random = randomOf(seed);
    const servers = Array.from({ length: nodes * 6 }, (_, index) => {
      const wanted = 200 + random() * 450;
      return { name: `server-${index}`, node: `host-${1 + (index % nodes)}`, demand: () => wanted };
    });
    expect(run({ ...fleet, servers }).moves).toEqual([]);
  });

  test("of too much on every node: nothing moves, since nothing would be better", () => {
    const servers = Array.from({ length: nodes * 6 }, (_, index) => ({
      name: `server-${index}`,
      node: `host-${1 + (index % nodes)}`,
      demand: () => 1000,
    }));
    expect(run({ ...fleet, servers }).moves).toEqual([]);
  });
});
