import { describe, expect, test } from "vitest";
import type { Migration, VirtualServer } from "@vfleet/shared";
import { candidatesOf } from "../../scheduler/fleet-index.ts";
import { placedStatus, sampleBudget, sampleDrain, sampleMigration, sampleNode, sampleServer } from "../samples.ts";
import { drainStep } from "./drain-step.ts";
import type { DrainView } from "./drain-view.ts";

const mebibyte = 2 ** 20;
const ioUring = { type: "Migratable", status: "False" as const, reason: "IoUring", message: "it uses io_uring" };
const room = { allocatable: { cpu: "400", memory: "800Gi", pods: "1000" } };

function on(name: string, changes: { status?: VirtualServer["status"]; metadata?: object; spec?: object } = {}) {
  return sampleServer(name, { ...changes, status: placedStatus("host-1", changes.status) });
}

/** What `vctl drain --dry-run` of host-1 would show. */
function planOf(changes: Partial<DrainView> & { spec?: object } = {}) {
  const { servers = [on("a"), on("b"), on("c")], migrations = [] } = changes;
  const nodes = changes.nodes ?? [sampleNode("host-1"), sampleNode("host-2", { status: room })];
  const decision = drainStep({
    drain: sampleDrain({ spec: { dryRun: true, ...changes.spec } }),
    nodes,
    servers,
    migrations,
    drains: [],
    budgets: [],
    candidates: candidatesOf({ nodes, servers, migrations, images: [] }),
    memoryBytes: () => 100 * mebibyte,
    limits: { parallelPerFleet: 5, parallelOutboundPerNode: 2 },
    now: "2026-01-01T00:00:00.000Z",
    ...changes,
  });
  expect(decision.actions).toEqual([]);
  return decision.status;
}

/** 100 MiB at 200 MB/s, 400 ms that every pause takes, and 600 ms around it. */
const pauseMs = 924;
const durationMs = 1524;

describe("a dry run", () => {
  test("changes nothing, ends at once, and says each server's target, mode, pause and time", () => {
    const status = planOf({ spec: { maxParallel: 1 } });
    const move = { action: "Move", targetNode: "host-2", mode: "StopAndCopy" };
    const predicted = { predictedPauseMs: pauseMs, predictedDurationMs: durationMs };
    expect(status).toMatchObject({
      phase: "Planned",
      total: 3,
      message: "Would move 3, stop 0, and wait for 0 of 3 servers; nothing was changed",
      plan: {
        servers: [
          { server: "default/a", ...move, ...predicted, startsAfterMs: 0 },
          { server: "default/b", ...move, ...predicted, startsAfterMs: durationMs },
          { server: "default/c", ...move, ...predicted, startsAfterMs: 2 * durationMs },
        ],
        totalMs: 3 * durationMs,
      },
    });
    expect(status.plan?.isAtLeast).toBeUndefined();
  });

  test.each<[string, object, Partial<DrainView>, number]>([
    ["as many as asked", { maxParallel: 2 }, {}, 2],
    ["no more than leave a node", { maxParallel: 8 }, {}, 2],
    [
      "no more than the fleet moves",
      { maxParallel: 8 },
      { limits: { parallelPerFleet: 1, parallelOutboundPerNode: 4 } },
      3,
    ],
    ["no more than a budget allows", {}, { budgets: [sampleBudget("all", { maxMoving: 1 })] }, 3],
  ])("counts moves side by side: %s", (_what, spec, changes, rounds) => {
    expect(planOf({ spec, ...changes }).plan?.totalMs).toBe(rounds * durationMs);
  });

  test("learns from earlier moves between the two hosts", () => {
    const status = {
      phase: "Succeeded" as const,
      mode: "StopAndCopy",
      sourceNode: "host-1",
      targetNode: "host-2",
      endedAt: "2025-12-31T00:00:00.000Z",
      memoryBytes: 100 * mebibyte,
      pauseMs: 600,
      totalMs: 800,
    };
    const migrations = [sampleMigration("earlier", { spec: { server: "x" }, status })];
    expect(planOf({ migrations }).plan?.servers[0]).toMatchObject({ predictedPauseMs: 600, predictedDurationMs: 800 });
  });

  test("says what is aimed at where the pause can't be foretold", () => {
    const tracking = sampleNode("host-1", {
      status: { fleet: { dirtyTracking: true, criuVersion: "4.2.1", runcVersion: "1.1.5" } },
    });
    const [first] = planOf({ nodes: [tracking, sampleNode("host-2")] }).plan?.servers ?? [];
    expect(first).toMatchObject({ mode: "Precopy", maxDowntimeMs: 900, predictedDurationMs: durationMs });
    expect(first?.predictedPauseMs).toBeUndefined();
  });

  test.each<[string, object, Partial<DrainView>, object]>([
    [
      "what can't be moved while it runs waits",
      {},
      { servers: [on("a", { status: { conditions: [ioUring] } })] },
      { action: "Wait", fallback: "wait", reason: "it cannot be moved while it runs: it uses io_uring" },
    ],
    [
      "with the fallback cold it is moved so",
      { fallback: "cold" },
      { servers: [on("a", { status: { conditions: [ioUring] } })] },
      { action: "Move", fallback: "cold", mode: "Cold", targetNode: "host-2" },
    ],
    [
      "with the fallback stop it is stopped",
      { fallback: "stop" },
      { servers: [on("a", { status: { conditions: [ioUring] } })] },
      { action: "Stop", fallback: "stop" },
    ],
    [
      "what fits nowhere waits",
      {},
      { servers: [on("a")], nodes: [sampleNode("host-1")] },
      { action: "Wait", reason: "0/1 nodes fit: 1 where it runs now" },
    ],
    [
      "what is starting waits",
      {},
      { servers: [on("a", { status: { phase: "Starting" } })] },
      { action: "Wait", reason: "it is Starting: it must be Running to move" },
    ],
    [
      "what moves already is left to its move",
      {},
      { servers: [on("web")], migrations: [sampleMigration("mine", { status: { phase: "Syncing" } })] },
      { action: "Wait", reason: 'migration "mine" of it is under way' },
    ],
  ])("%s", (_what, spec, changes, expected) => {
    expect(planOf({ spec, ...changes }).plan?.servers[0]).toMatchObject(expected);
  });

  test("counts cold moves by what earlier ones took, and says so where there were none", () => {
    const servers = [on("a", { spec: { migration: { mode: "Cold" } } })];
    expect(planOf({ servers }).plan).toMatchObject({ totalMs: 0, isAtLeast: true });
    const status = { phase: "Succeeded" as const, mode: "Cold", endedAt: "2025-12-31T00:00:00.000Z", totalMs: 7000 };
    const migrations = [sampleMigration("earlier", { spec: { server: "x" }, status })];
    expect(planOf({ servers, migrations }).plan).toMatchObject({ totalMs: 7000, servers: [{ mode: "Cold" }] });
  });

  test("says what a deadline would cut off, and what a stop would use up of a budget", () => {
    const late = planOf({ spec: { maxParallel: 1, deadlineSeconds: 2 } }).plan?.servers[2];
    expect(late).toMatchObject({ action: "Wait", reason: "it would not begin before the deadline of 2 s" });
    const conditions = [ioUring];
    const servers = [on("a", { status: { conditions } }), on("b", { status: { conditions } })];
    const budgets = [sampleBudget("all", { maxUnavailable: 1 })];
    expect(planOf({ spec: { fallback: "stop" }, servers, budgets }).plan?.servers).toMatchObject([
      { action: "Stop" },
      { action: "Wait", reason: 'disruption budget "default/all" leaves no room: 1 of 2 at once' },
    ]);
  });

  test("of a node that is not there fails", () => {
    expect(planOf({ spec: { node: "nowhere" } })).toMatchObject({ phase: "Failed", reason: "NodeNotFound" });
  });
});

/** How often members of stored objects are read. */
class Reads {
  count = 0;

  counted<T extends object>(object: T): T {
    return new Proxy(object, {
      get: (target, member, receiver) => {
        this.count++;
        return Reflect.get(target, member, receiver) as unknown;
      },
    });
  }
}

test("the work of a plan grows with servers and earlier moves, not with the one times the other", () => {
  const readsOf = (count: number) => {
    const reads = new Reads();
    const names = Array.from({ length: count }, (_, index) => `s${index}`);
    const earlier = (name: string): Migration =>
      sampleMigration(`${name}-earlier`, {
        spec: { server: name },
        status: { phase: "Succeeded", sourceNode: "host-1", targetNode: "host-2", endedAt: "2025-12-31T00:00:00.000Z" },
      });
    const { plan } = planOf({
      servers: names.map((name) => reads.counted(on(name))),
      migrations: names.flatMap((name) => [reads.counted(earlier(name)), reads.counted(earlier(name))]),
      budgets: [sampleBudget("all", { maxUnavailable: "10%" })],
    });
    expect(plan?.servers.filter(({ action }) => action === "Move")).toHaveLength(count);
    return reads.count;
  };
  expect(readsOf(200) / readsOf(100)).toBeLessThan(2.1);
});
