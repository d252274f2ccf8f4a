import { expect, test } from "vitest";
import type { SimulatedMove } from "./simulated-fleet.ts";
import { nodeMilliCpu, policySpec, randomOf, simulateFleet } from "./simulated-fleet.ts";
import { dayMs, traceShapedServers } from "./trace-shape.ts";

const nodes = 20;
const seeds = [1, 3, 5];

interface Day {
  shape: { requestedShare: number; useFactor: number };
  /** Of all CPUs, at the fullest hour of the fleet. */
  busiest: { least: number; most: number };
}

test.each<[string, Day]>([
  ["as the published", { shape: { requestedShare: 0.95, useFactor: 1 }, busiest: { least: 0.4, most: 0.65 } }],
  [
    "with twice the use, and some room by requests",
    { shape: { requestedShare: 0.75, useFactor: 2 }, busiest: { least: 0.65, most: 0.9 } },
  ],
])(
  "a day %s: a tenth of the overload is left, by few moves, and none goes back",
  (_what, { shape, busiest }) => {
    const sum = { overloadedBefore: 0, overloaded: 0, unservedBefore: 0, unserved: 0 };
    for (const seed of seeds) {
      const servers = traceShapedServers(randomOf(seed), { nodes, ...shape });
      const wanted = servers.reduce((total, { demand }) => total + demand((dayMs * 15) / 24), 0);
      expect(wanted / nodes / nodeMilliCpu).toBeGreaterThan(busiest.least);
      expect(wanted / nodes / nodeMilliCpu).toBeLessThan(busiest.most);
      const fleet = { nodes, servers, forMs: dayMs, tickMs: 30_000, countsServers: true, spec: policySpec() };
      const before = simulateFleet({ ...fleet, mode: "Suggest" });
      const after = simulateFleet({ ...fleet, mode: "On" });
      expect(before.moves).toEqual([]);
      sum.overloadedBefore += before.overloadedSeconds;
      sum.overloaded += after.overloadedSeconds;
      sum.unservedBefore += before.unservedSeconds(0);
      sum.unserved += after.unservedSeconds(0);
      expect(after.moves.length).toBeLessThanOrEqual(nodes / 2);
      expect(Math.max(0, ...movesPerServer(after.moves).map((moves) => moves.length))).toBeLessThanOrEqual(2);
      expect(returns(after.moves)).toEqual([]);
    }
    expect(sum.overloadedBefore).toBeGreaterThan(3600);
    expect(sum.overloaded).toBeLessThan(sum.overloadedBefore / 10);
    expect(sum.unserved).toBeLessThan(sum.unservedBefore / 2);
  },
  60_000,
);

function movesPerServer(moves: readonly SimulatedMove[]): SimulatedMove[][] {
  return [...Map.groupBy(moves, ({ server }) => server).values()];
}

/** Moves to where the server was before. */
function returns(moves: readonly SimulatedMove[]): SimulatedMove[] {
  return movesPerServer(moves).flatMap((own) =>
    own.filter((move, index) => own.slice(0, index).some(({ from }) => from === move.to)),
  );
}
