import { describe, expect, test } from "vitest";
import type { Migration, VirtualServer } from "@vfleet/shared";
import { candidatesOf } from "../../scheduler/fleet-index.ts";
import { placedStatus, sampleBudget, sampleDrain, sampleMigration, sampleNode, sampleServer } from "../samples.ts";
import type { DrainView } from "./drain-view.ts";
import { drainStep } from "./drain-step.ts";

const now = "2026-01-01T00:01:00.000Z";
const cordoned = sampleNode("host-1", { spec: { unschedulable: true } });
const ownerReferences = [{ apiVersion: "vfleet.dev/v1", kind: "Drain", name: "drain", uid: "uid-drain" }];

function on(node: string, name: string, status: VirtualServer["status"] = {}): VirtualServer {
  return sampleServer(name, { status: placedStatus(node, status) });
}

function own(server: string, status: Migration["status"], attempt = 1): Migration {
  return sampleMigration(`${server}-${attempt}`, {
    spec: { server, reason: "Drain" },
    status: { endedAt: "2026-01-01T00:00:00.000Z", ...status },
    metadata: { ownerReferences },
  });
}

function view(changes: Partial<DrainView> = {}): DrainView {
  const {
    nodes = [cordoned, sampleNode("host-2"), sampleNode("host-3")],
    servers = [on("host-1", "a"), on("host-1", "b"), on("host-1", "c")],
    migrations = [],
  } = changes;
  return {
    drain: sampleDrain(),
    nodes,
    servers,
    migrations,
    candidates: candidatesOf({ nodes, servers, migrations, images: [] }),
    drains: [],
    budgets: [],
    memoryBytes: () => undefined,
    limits: { parallelPerFleet: 5, parallelOutboundPerNode: 2 },
    now,
    ...changes,
  };
}

describe("drainStep", () => {
  test("cordons before anything else", () => {
    expect(drainStep(view({ nodes: [sampleNode("host-1"), sampleNode("host-2")] })).actions).toEqual([
      { kind: "cordon", node: "host-1" },
    ]);
  });

  test("leaves the candidates as they were", () => {
    for (const drain of [sampleDrain(), sampleDrain({ spec: { dryRun: true } })]) {
      const seen = view({ drain });
      const before = structuredClone(seen.candidates.map(({ used }) => used));
      expect(drainStep(seen).status.total).toBe(3);
      expect(seen.candidates.map(({ used }) => used)).toEqual(before);
    }
  });

  test("moves as many at a time as asked, to different nodes", () => {
    const { actions, status } = drainStep(view());
    expect(actions).toMatchObject([
      { kind: "move", server: "a", targetNode: "host-2" },
      { kind: "move", server: "b", targetNode: "host-3" },
    ]);
    expect(status).toMatchObject({ phase: "Draining", total: 3, moved: 0, message: "3 of 3 servers left" });
    expect(status.waiting?.map((entry) => entry.reason)).toContain("waits for its turn, 2 at a time");
  });

  test("goes on with the others when one has failed, and tries that one again after a pause", () => {
    const failed = own("a", { phase: "Failed", message: "disk full", endedAt: "2026-01-01T00:00:59.000Z" });
    expect(drainStep(view({ migrations: [failed] })).actions).toMatchObject([{ server: "b" }, { server: "c" }]);
    const later = drainStep(view({ migrations: [failed], now: "2026-01-01T00:01:02.000Z" }));
    expect(later.actions).toMatchObject([{ server: "a", name: "a-drain-uid-drai-2" }, { server: "b" }]);
  });

  test("gives up on a server after six moves, and fails when nothing else is left", () => {
    const migrations = [1, 2, 3, 4, 5, 6].map((attempt) =>
      own("a", { phase: "Failed", message: "disk full" }, attempt),
    );
    expect(drainStep(view({ migrations, servers: [on("host-1", "a")] })).status).toMatchObject({
      phase: "Failed",
      message: '"default/a": given up after 6 moves that failed: disk full',
    });
    expect(drainStep(view({ migrations })).status.phase).toBe("Draining");
  });

  test("gives up on a server after two cold moves that failed, each of which has stopped it", () => {
    const cold = [1, 2].map((attempt) => {
      const move = own("a", { phase: "Failed", mode: "Cold", message: "disk full" }, attempt);
      return { ...move, spec: { ...move.spec, mode: "Cold" as const } };
    });
    const servers = [on("host-1", "a")];
    expect(drainStep(view({ migrations: cold.slice(0, 1), servers })).actions).toHaveLength(1);
    expect(drainStep(view({ migrations: cold, servers }))).toMatchObject({
      actions: [],
      status: {
        phase: "Failed",
        reason: "MovesFailed",
        message: '"default/a": given up after 2 cold moves that failed: disk full',
      },
    });
  });

  test("uses no name again where a move of it was deleted", () => {
    const { actions } = drainStep(
      view({ migrations: [own("a", { phase: "Failed" }, 3)], servers: [on("host-1", "a")] }),
    );
    expect(actions).toMatchObject([{ name: "a-drain-uid-drai-4" }]);
  });

  test("is blocked, with every server and reason, when nothing fits elsewhere", () => {
    const { status, actions } = drainStep(view({ nodes: [cordoned], servers: [on("host-1", "a"), on("host-1", "b")] }));
    expect(actions).toEqual([]);
    expect(status).toMatchObject({
      phase: "Blocked",
      reason: "NothingFits",
      message: '"default/a": 0/1 nodes fit: 1 where it runs now; "default/b": 0/1 nodes fit: 1 where it runs now',
      waiting: [{ server: "default/a" }, { server: "default/b" }],
    });
  });

  test("moves what can be dumped, and says what can't be", () => {
    const conditions = [
      { type: "Migratable", status: "False" as const, reason: "IoUring", message: "it uses io_uring" },
    ];
    const servers = [on("host-1", "a", { conditions }), on("host-1", "b")];
    const { status, actions } = drainStep(view({ servers }));
    expect(actions).toMatchObject([{ kind: "move", server: "b" }]);
    expect(status).toMatchObject({
      phase: "Draining",
      waiting: [{ server: "default/a", reason: "it cannot be moved while it runs: it uses io_uring" }, {}],
    });
    expect(drainStep(view({ servers: servers.slice(0, 1) })).status.phase).toBe("Blocked");
  });

  test("moves what can't be dumped where its own spec lets it be stopped for that, even between versions of CRIU", () => {
    const conditions = [{ type: "Migratable", status: "False" as const, reason: "IoUring" }];
    const status = placedStatus("host-1", { conditions });
    const fleet = { criuVersion: "3.17.1", runcVersion: "1.1.5" };
    const servers = [sampleServer("a", { status, spec: { migration: { mode: "Cold" } } }), on("host-1", "b")];
    const nodes = [cordoned, sampleNode("host-2", { status: { fleet } })];
    const { status: drained, actions } = drainStep(view({ servers, nodes }));
    expect(actions).toMatchObject([{ kind: "move", server: "a", targetNode: "host-2" }]);
    expect(drained.waiting?.map(({ server }) => server)).toEqual(["default/a", "default/b"]);
  });

  describe("at its deadline", () => {
    const drain = sampleDrain({
      spec: { deadlineSeconds: 30 },
      status: { startedAt: "2026-01-01T00:00:30.000Z", total: 3 },
    });
    const before = "2026-01-01T00:00:59.999Z";
    const servers = [on("host-1", "a"), on("host-1", "b")];

    test("begins moves until then, counted from when it began", () => {
      const { actions, status } = drainStep(view({ drain, servers, now: before }));
      expect(actions).toHaveLength(2);
      expect(status).toMatchObject({ phase: "Draining", deadlineAt: now });
    });

    test("lets what has begun finish, cancels what waits for its turn, and begins nothing", () => {
      const migrations = [own("a", { phase: "Freezing" }), own("b", { phase: "Pending" })];
      const { actions, status } = drainStep(view({ drain, servers: [...servers, on("host-1", "c")], migrations }));
      expect(actions).toEqual([{ kind: "cancel-move", name: "b-1", namespace: "default" }]);
      expect(status).toMatchObject({
        phase: "Draining",
        message: "The deadline of 30 s has passed; 2 under way may finish",
      });
    });

    test("fails with what is left and why", () => {
      const migrations = [own("a", { phase: "Cancelled", endedAt: "2026-01-01T00:00:40.000Z" })];
      expect(drainStep(view({ drain, servers, migrations }))).toMatchObject({
        actions: [],
        status: {
          phase: "Failed",
          reason: "DeadlineExceeded",
          message:
            'The deadline of 30 s has passed; 2 of 3 servers are left: "default/a": not begun before the deadline; "default/b": not begun before the deadline',
          waiting: [{ server: "default/a" }, { server: "default/b" }],
          endedAt: now,
        },
      });
    });

    test("succeeds where nothing is left", () => {
      expect(drainStep(view({ drain, servers: [] })).status.phase).toBe("Succeeded");
    });
  });

  describe("what can't be moved while it runs", () => {
    const message = "it uses io_uring";
    const conditions = [{ type: "Migratable", status: "False" as const, reason: "IoUring", message }];
    const why = `it cannot be moved while it runs: ${message}`;
    const servers = [on("host-1", "a", { conditions })];

    test.each<[string, object[], object]>([
      ["wait", [], { phase: "Blocked", waiting: [{ fallback: "wait", reason: why }] }],
      [
        "cold",
        [{ kind: "move", server: "a", mode: "Cold", targetNode: "host-2" }],
        { phase: "Draining", waiting: [{ fallback: "cold", reason: `moves to host-2; ${why}` }] },
      ],
      [
        "stop",
        [{ kind: "stop", namespace: "default", server: "a" }],
        { phase: "Draining", waiting: [{ fallback: "stop", reason: `it is being stopped; ${why}` }] },
      ],
    ])("with fallback %s", (fallback, actions, status) => {
      const decision = drainStep(view({ drain: sampleDrain({ spec: { fallback } }), servers }));
      expect(decision.actions).toMatchObject(actions);
      expect(decision).toMatchObject({ actions, status });
    });

    test("may be what no host that is open could take with its versions", () => {
      const fleet = { criuVersion: "3.17.1", runcVersion: "1.1.5" };
      const nodes = [cordoned, sampleNode("host-2", { status: { fleet } })];
      const drain = sampleDrain({ spec: { fallback: "cold" } });
      const old = [on("host-1", "a")];
      expect(drainStep(view({ drain, nodes, servers: old })).actions).toMatchObject([{ mode: "Cold" }]);
      // One that could take it, were there room: it waits for that.
      const full = { allocatable: { cpu: "4", memory: "1Mi", pods: "100" } };
      const peers = [...nodes, sampleNode("host-3", { status: { ...full } })];
      expect(drainStep(view({ drain, nodes: peers, servers: old }))).toMatchObject({
        actions: [],
        status: { phase: "Blocked" },
      });
    });

    test("is not what only asks for a mode that its node can't give", () => {
      const fleet = { criuVersion: "4.2.1", runcVersion: "1.1.5", dirtyTracking: false };
      const nodes = [sampleNode("host-1", { spec: { unschedulable: true }, status: { fleet } }), sampleNode("host-2")];
      const picky = sampleServer("a", { status: placedStatus("host-1"), spec: { migration: { mode: "Precopy" } } });
      for (const fallback of ["cold", "stop"]) {
        const decision = drainStep(view({ drain: sampleDrain({ spec: { fallback } }), nodes, servers: [picky] }));
        expect(decision).toMatchObject({ actions: [], status: { phase: "Blocked" } });
        expect(decision.status.waiting?.[0]?.reason).toContain("needs a kernel that tracks dirty pages");
      }
    });

    test("takes its turn with the others", () => {
      const drain = sampleDrain({ spec: { fallback: "stop", maxParallel: 1 } });
      const more = [...servers, on("host-1", "b", { conditions })];
      const { actions, status } = drainStep(view({ drain, servers: more }));
      expect(actions).toHaveLength(1);
      expect(status.waiting?.[1]?.reason).toBe(`waits for its turn, 1 at a time; ${why}`);
      const isStopping = sampleServer("a", {
        status: placedStatus("host-1"),
        spec: { runStrategy: "Stopped" },
        metadata: { annotations: { "vfleet.dev/stopped-by-drain": "uid-drain" } },
      });
      expect(drainStep(view({ drain, servers: [isStopping, ...more.slice(1)] }))).toMatchObject({
        actions: [],
        status: { stopped: ["default/a"], waiting: [{ reason: "it is being stopped" }, {}] },
      });
    });
  });

  describe("under a disruption budget", () => {
    const labels = { app: "web" };
    const web = (node: string, name: string, status: VirtualServer["status"] = {}) =>
      sampleServer(name, { status: placedStatus(node, status), metadata: { labels } });
    const budgets = [sampleBudget("web", { selector: { matchLabels: labels }, maxUnavailable: 1 })];
    const two = [web("host-1", "a"), web("host-1", "b")];

    test("begins no more than it allows, goes on with what is not under it, and waits for what moves", () => {
      const { actions, status } = drainStep(view({ budgets, servers: [...two, on("host-1", "c")] }));
      expect(actions).toMatchObject([{ server: "a" }, { server: "c" }]);
      expect(drainStep(view({ budgets, servers: two }))).toMatchObject({
        actions: [{ server: "a" }],
        status: { phase: "Draining", waiting: [{}, { reason: expect.stringContaining("in a move (default/a)") }] },
      });
      expect(status.phase).toBe("Draining");
    });

    test("is blocked by it when someone must start what is down", () => {
      const servers = [...two, web("host-2", "down", { phase: "Failed" })];
      expect(drainStep(view({ budgets, servers }))).toMatchObject({
        actions: [],
        status: {
          phase: "Blocked",
          reason: "DisruptionBudget",
          waiting: [
            { reason: 'disruption budget "default/web" allows 1 of 3 at once: 1 down (default/down)' },
            { server: "default/b" },
          ],
        },
      });
    });
  });

  test("waits for a server that is starting, and leaves those that are stopped", () => {
    const waits = drainStep(view({ servers: [on("host-1", "a", { phase: "Starting" })] }));
    expect(waits.status).toMatchObject({ phase: "Draining", waiting: [{ server: "default/a" }] });
    const ends = drainStep(view({ servers: [on("host-1", "a", { phase: "Stopped" })] }));
    expect(ends.status).toMatchObject({
      phase: "Succeeded",
      message: "No server runs on it; 1 that are stopped stay, with their files",
    });
  });

  test("is blocked by a server whose node is silent: someone must see to it", () => {
    const message = 'Node "host-1" was not heard of; the server may be running on it';
    const servers = [on("host-1", "a", { phase: "Unknown", message })];
    expect(drainStep(view({ servers })).status).toMatchObject({
      phase: "Blocked",
      message: `"default/a": it is Unknown: ${message}`,
    });
  });

  test("ends when the last move has, not when its server is counted elsewhere", () => {
    const servers = [on("host-2", "a")];
    expect(drainStep(view({ servers, migrations: [own("a", { phase: "Committed" })] })).status.phase).not.toBe(
      "Succeeded",
    );
    expect(drainStep(view({ servers, migrations: [own("a", { phase: "Succeeded" })] })).status).toMatchObject({
      phase: "Succeeded",
      total: 1,
      moved: 1,
      endedAt: now,
    });
  });

  test("a cancel cancels its moves first", () => {
    const drain = sampleDrain({ spec: { cancel: true } });
    const open = own("a", { phase: "Syncing" });
    expect(drainStep(view({ drain, migrations: [open] })).actions).toEqual([
      { kind: "cancel-move", name: "a-1", namespace: "default" },
    ]);
    const asked = { ...open, spec: { ...open.spec, cancel: true } };
    expect(drainStep(view({ drain, migrations: [asked] }))).toMatchObject({
      actions: [],
      status: { message: "Cancelling 1 moves" },
    });
    const was = sampleDrain({ spec: { cancel: true }, status: { phase: "Blocked", reason: "NothingFits" } });
    const { status } = drainStep(view({ drain: was, migrations: [own("a", { phase: "Cancelled" })] }));
    expect(status).toMatchObject({ phase: "Cancelled", message: "Cancelled; the node stays cordoned" });
    expect(status.reason).toBeUndefined();
  });

  test("fails for an unknown node", () => {
    expect(drainStep(view({ drain: sampleDrain({ spec: { node: "nowhere" } }) })).status).toMatchObject({
      phase: "Failed",
      reason: "NodeNotFound",
    });
  });

  test("an ended drain does nothing", () => {
    expect(drainStep(view({ drain: sampleDrain({ status: { phase: "Succeeded" } }) })).actions).toEqual([]);
  });
});
