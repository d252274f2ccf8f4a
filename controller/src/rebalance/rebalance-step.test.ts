import { describe, expect, test } from "vitest";
import type { Migration, Node, VirtualServer } from "@vfleet/shared";
import { disruptionBudgetKind } from "@vfleet/shared";
import { candidatesOf } from "../scheduler/fleet-index.ts";
import { placedStatus, sampleMigration, sampleNode, sampleServer } from "../reconcile/samples.ts";
import type { RebalanceDecision, RebalanceView } from "./rebalance-step.ts";
import { rebalanceStep } from "./rebalance-step.ts";
import { sampledAt, sampleTelemetry, stall } from "./sample-telemetry.ts";
import { policySpec } from "./simulated-fleet.ts";

const now = sampledAt;
const mebibyte = 2 ** 20;

function on(node: string, name: string, spec: object = {}, status: VirtualServer["status"] = {}): VirtualServer {
  return sampleServer(name, { spec, status: placedStatus(node, status) });
}

const busy = { cpu: stall(45) };
const hogAndTwo = [on("host-1", "hog"), on("host-1", "small"), on("host-1", "tiny")];
const overloaded = sampleTelemetry(
  "host-1",
  { pressure: busy },
  {
    hog: { milliCpu: 2400, pressure: { cpu: stall(30) } },
    small: { milliCpu: 1000, pressure: { cpu: stall(30) } },
    tiny: { milliCpu: 100, pressure: { cpu: stall(30) } },
  },
);
const idle = sampleTelemetry("host-2", { milliCpu: 600, pressure: { cpu: stall(0) } });

interface Changes extends Partial<Omit<RebalanceView, "spec" | "candidates">> {
  spec?: object;
  state?: Parameters<typeof rebalanceStep>[0];
}

function step({ spec, state = [], ...changes }: Changes = {}): RebalanceDecision {
  const fleet = {
    nodes: [sampleNode("host-1"), sampleNode("host-2")],
    servers: hogAndTwo,
    migrations: [],
    samples: [overloaded, idle],
    mode: "On" as const,
    isAsked: false,
    budgets: [],
    ...changes,
  };
  const candidates = candidatesOf({ ...fleet, images: [] });
  return rebalanceStep(state, { ...fleet, candidates, spec: policySpec({ holdRounds: 1, ...spec }) }, now);
}

function verdicts(decision: RebalanceDecision): Record<string, string> {
  return Object.fromEntries((decision.state[0]?.candidates ?? []).map(({ server, verdict }) => [server, verdict]));
}

describe("when something moves", () => {
  test("the server whose move relieves its node most, to where it fits", () => {
    const { actions, state, explanation } = step();
    expect(actions).toMatchObject([
      { kind: "move", namespace: "default", server: "small", sourceNode: "host-1", targetNode: "host-2" },
    ]);
    expect(state).toMatchObject([{ name: "host-1", resource: "cpu", move: { server: "default/small" } }]);
    expect(explanation).toBe("2 nodes measured, 1 overloaded, 1 move begun");
  });

  test("nothing where no node is overloaded, however uneven they are", () => {
    const samples = [sampleTelemetry("host-1", { milliCpu: 3900, pressure: { cpu: stall(5) } }), idle];
    expect(step({ samples })).toMatchObject({
      actions: [],
      state: [],
      explanation: "2 nodes measured, none overloaded",
    });
  });

  test("nothing from a node that has fallen silent", () => {
    const silent = sampleNode("host-1", { status: { conditions: [{ type: "Ready", status: "Unknown" }] } });
    expect(step({ nodes: [silent, sampleNode("host-2")] })).toMatchObject({ actions: [], state: [], nodesWatched: 1 });
  });

  test("only what lasts, and only new samples count", () => {
    const spec = { holdRounds: 3 };
    const first = step({ spec });
    expect(first).toMatchObject({ actions: [], state: [{ rounds: 1 }] });
    expect(step({ spec, state: first.state }).state).toMatchObject([{ rounds: 1 }]);
    const newer = { ...overloaded, atMs: overloaded.atMs + 5000 };
    const second = step({ spec, state: first.state, samples: [newer, idle] });
    expect(second).toMatchObject({ actions: [], state: [{ rounds: 2 }] });
    expect(step({ spec, state: second.state }).actions).toHaveLength(1);
  });

  test("at once when somebody asks, without counting as a round", () => {
    const asked = step({ spec: { holdRounds: 3 }, isAsked: true });
    expect(asked).toMatchObject({ actions: [{ server: "small" }], state: [{ rounds: 0 }] });
  });

  test("is only said in mode Suggest", () => {
    const { actions, state } = step({ mode: "Suggest" });
    expect(actions).toMatchObject([{ kind: "suggest", server: "small" }]);
    expect(state[0]?.move).not.toHaveProperty("migration");
    expect(state[0]?.message).toMatch(/^CPU pressure 45 %, threshold 20 %: default\/small should move to host-2: /);
  });
});

describe("the right server", () => {
  test("is not the one that would overload the next node", () =>
    expect(verdicts(step())["default/hog"]).toBe("it would overload host-2: CPU 101 %, 80 % may be"));

  test("is the one that wants most, where a node is idle", () => {
    const samples = [overloaded, sampleTelemetry("host-2", { milliCpu: 0, pressure: { cpu: stall(0) } })];
    expect(step({ samples }).actions).toMatchObject([{ server: "hog" }]);
  });

  test("is not one whose move wins nothing", () =>
    expect(verdicts(step())["default/tiny"]).toMatch(/^too little would be won: 3\.\d % on host-2, 10 % are needed$/));

  test("of two that relieve it alike it is the one that has less to move", () => {
    const servers = [on("host-1", "large"), on("host-1", "light")];
    const use = { milliCpu: 1900, pressure: { cpu: stall(20) } };
    const samples = [
      sampleTelemetry("host-1", { pressure: busy }, { large: { ...use, memoryBytes: 90 * mebibyte }, light: use }),
      idle,
    ];
    expect(step({ servers, samples }).actions).toMatchObject([{ server: "light" }]);
  });

  test.each<[string, VirtualServer, string]>([
    [
      "that opted out",
      on("host-1", "small", { migration: { rebalance: "Never" } }),
      "its spec.migration.rebalance is Never",
    ],
    ["that would have to stop", on("host-1", "small", { migration: { mode: "Cold" } }), "a move would stop it"],
    ["that is starting", on("host-1", "small", {}, { phase: "Starting" }), "it is Starting"],
    [
      "that can't be dumped",
      on("host-1", "small", {}, { conditions: [{ type: "Migratable", status: "False", message: "it uses io_uring" }] }),
      "it uses io_uring",
    ],
    [
      "that has just become ready",
      on(
        "host-1",
        "small",
        {},
        {
          conditions: [{ type: "Ready", status: "True", lastTransitionTime: "2026-01-01T00:59:30.000Z" }],
        },
      ),
      "it has been ready for 30 s, 60 s are needed",
    ],
    [
      "whose pause would be too long",
      on("host-1", "small", { migration: { maxDowntimeMs: 100 } }),
      "its predicted pause of 505 ms is above its maxDowntimeMs 100",
    ],
    ["that no node may take", on("host-1", "small", { placement: { nodeSelector: { zone: "b" } } }), "0/2 nodes fit"],
  ])("is not one %s", (_what, small, verdict) => {
    const decision = step({
      servers: [hogAndTwo[0], small].flatMap((server) => server ?? []),
      spec: { warmUpSeconds: 60 },
    });
    expect(decision.actions).toEqual([]);
    expect(verdicts(decision)["default/small"]).toContain(verdict);
  });

  test("is not one that has moved lately", () => {
    const status = {
      phase: "Succeeded" as const,
      startedAt: "2026-01-01T00:50:00.000Z",
      endedAt: "2026-01-01T00:51:00.000Z",
    };
    const migrations = [sampleMigration("earlier", { spec: { server: "small" }, status })];
    expect(verdicts(step({ migrations }))["default/small"]).toBe(
      "it moved once in 24 h and rests until 2026-01-01T01:06:00.000Z",
    );
  });
});

test("a disruption budget that is used up keeps a server where it is", () => {
  const budget = disruptionBudgetKind.schema.parse({
    apiVersion: "vfleet.dev/v1",
    kind: "DisruptionBudget",
    metadata: { name: "all", namespace: "default" },
    spec: { selector: {}, maxMoving: 1 },
  });
  const move = sampleMigration("drained", {
    spec: { server: "far" },
    status: { phase: "Syncing", sourceNode: "host-8" },
  });
  const servers = [...hogAndTwo, on("host-8", "far")];
  const decision = step({ budgets: [budget], servers, migrations: [move] });
  expect(decision.actions).toEqual([]);
  expect(verdicts(decision)["default/small"]).toMatch(
    /disruption budget .* allows 1 of 4 at once: 1 in a move \(default\/far\)/,
  );
  expect(step({ budgets: [budget], servers }).actions).toHaveLength(1);
});

describe("a target", () => {
  const memory = (bytes: number) => ({ milliCpu: 100, memoryBytes: bytes });
  const gibibyte = 2 ** 30;

  test("is never filled beyond what it has, by use or by requests", () => {
    const samples = [overloaded, sampleTelemetry("host-2", { ...memory(6.6 * gibibyte), pressure: {} })];
    expect(verdicts(step({ samples }))["default/small"]).toMatch(
      /^it would overload host-2: memory 8\d %, 80 % may be$/,
    );
    const requests = { resources: { requests: { memory: "5Gi" }, limits: { memory: "5Gi" } } };
    const servers = [...hogAndTwo.slice(0, 1), on("host-1", "small", requests), on("host-2", "other", requests)];
    expect(verdicts(step({ servers }))["default/small"]).toMatch(/1 too little memory/);
  });

  test("is not one that claims to have much and has servers wait all the same", () => {
    const liar = sampleNode("host-2", { status: { allocatable: { cpu: "1000", memory: "8Gi", pods: "100" } } });
    const samples = [overloaded, sampleTelemetry("host-2", { milliCpu: 3900, pressure: { cpu: stall(60) } })];
    expect(step({ nodes: [sampleNode("host-1"), liar], samples }).actions).toEqual([]);
  });

  test("is not one that is overloaded itself, cordoned or not ready", () => {
    const pressed = sampleTelemetry("host-2", { milliCpu: 2500, pressure: { cpu: stall(25) } });
    expect(step({ samples: [overloaded, pressed] }).actions).toEqual([]);
    const cordoned = sampleNode("host-2", { spec: { unschedulable: true } });
    const silent = sampleNode("host-2", { status: { conditions: [{ type: "Ready", status: "Unknown" }] } });
    for (const node of [cordoned, silent]) expect(step({ nodes: [sampleNode("host-1"), node] }).actions).toEqual([]);
  });
});

describe("limits", () => {
  const nodes = ["host-1", "host-2", "host-3", "host-4"].map((name) => sampleNode(name));
  const four = {
    nodes,
    servers: [...hogAndTwo, on("host-3", "hog-3"), on("host-3", "small-3")],
    samples: [
      overloaded,
      idle,
      sampleTelemetry("host-3", { pressure: busy }, { "hog-3": { milliCpu: 2900 }, "small-3": { milliCpu: 1000 } }),
      sampleTelemetry("host-4", { milliCpu: 700, pressure: { cpu: stall(0) } }),
    ],
  };

  test("one move at a time in the fleet, unless more are allowed, and then one for each node", () => {
    expect(step(four).actions).toHaveLength(1);
    const { actions } = step({ ...four, spec: { batch: 5 } });
    expect(actions.map(({ sourceNode }) => sourceNode).toSorted()).toEqual(["host-1", "host-3"]);
    expect(new Set(actions.map(({ targetNode }) => targetNode)).size).toBe(2);
  });

  const move = (status: Migration["status"], spec: object = {}) =>
    sampleMigration("other", { spec: { server: "elsewhere", ...spec }, status });

  test.each<[string, Migration]>([
    ["leaves it", move({ phase: "Syncing", sourceNode: "host-1", targetNode: "host-9" })],
    ["comes to it", move({ phase: "Syncing", sourceNode: "host-9", targetNode: "host-1" })],
    ["was asked to leave it", move(undefined, { server: "tiny" })],
    [
      "has just ended",
      move({ phase: "Succeeded", sourceNode: "host-1", startedAt: now, endedAt: "2026-01-01T00:59:50.000Z" }),
    ],
  ])("nothing moves from a node while a move %s, and its rounds begin anew", (_what, migration) => {
    const state = [{ name: "host-1", rounds: 7, sampledAtMs: 0 }];
    expect(step({ migrations: [migration], state })).toMatchObject({
      actions: [],
      state: [{ rounds: 0, message: expect.stringContaining("a move from or to it is under way or has just ended") }],
    });
  });
});

describe("what is known", () => {
  test("of a node that says nothing useful of what it has nothing is made", () => {
    const liar: Node = sampleNode("host-1", { status: { allocatable: { cpu: "0", memory: "0" } } });
    expect(step({ nodes: [liar, sampleNode("host-2")] })).toMatchObject({ nodesWatched: 1, state: [] });
  });

  test("I/O moves nothing where it isn't known who waits, and who waits most where it is", () => {
    const io = (percent: number) => ({ io: stall(percent) });
    const servers = ["reader", "other", "third"].map((name) => on("host-1", name));
    const host = { pressure: io(50) };
    const target = sampleTelemetry("host-2", { pressure: io(0) });
    const unknown = step({ servers, samples: [sampleTelemetry("host-1", host, { reader: {}, other: {} }), target] });
    expect(unknown.actions).toEqual([]);
    expect(verdicts(unknown)["default/reader"]).toContain("doesn't count how long it waits for disks");
    const use = { other: { pressure: io(10) }, reader: { pressure: io(30) }, third: { pressure: io(10) } };
    expect(step({ servers, samples: [sampleTelemetry("host-1", host, use), target] }).actions).toMatchObject([
      { server: "reader" },
    ]);
  });
});
