import { describe, expect, test } from "vitest";
import type { Drain, Migration, VirtualServer } from "@vfleet/shared";
import { candidatesOf } from "../../scheduler/fleet-index.ts";
import { placedStatus, sampleBudget, sampleDrain, sampleMigration, sampleNode, sampleServer } from "../samples.ts";
import { drainStep } from "./drain-step.ts";
import type { DrainView } from "./drain-view.ts";

const now = "2026-01-01T02:00:00.000Z";

function drainOf(name: string, hour: number, changes: { spec?: object; status?: Drain["status"] } = {}): Drain {
  const creationTimestamp = new Date(Date.parse("2026-01-01T00:00:00.000Z") + hour * 3_600_000).toISOString();
  return sampleDrain({ ...changes, metadata: { name, uid: `uid-${name}`, creationTimestamp } });
}

const earlier = drainOf("earlier", 0, { status: { phase: "Succeeded" } });
const away = drainOf("away", 1, { status: { phase: "Succeeded" } });
const planned = drainOf("planned", 1, { spec: { dryRun: true }, status: { phase: "Planned" } });
const back = (changes: { spec?: object; status?: Drain["status"] } = {}) =>
  drainOf("back", 2, { status: { phase: "Returning" }, ...changes, spec: { bringBack: true, ...changes.spec } });

/** Moved from host-1 to host-2 by a drain, under epoch 1: it runs there under epoch 2. */
function movedBy(drain: Drain, server: string, status: Migration["status"] = {}): Migration {
  return sampleMigration(`${server}-${drain.metadata.name}`, {
    spec: { server },
    metadata: { ownerReferences: [{ apiVersion: "vfleet.dev/v1", kind: "Drain", name: "x", uid: drain.metadata.uid }] },
    status: { phase: "Succeeded", sourceNode: "host-1", targetNode: "host-2", epoch: 1, ...status },
  });
}

function on(node: string, name: string, status: VirtualServer["status"] = {}): VirtualServer {
  return sampleServer(name, { status: placedStatus(node, { epoch: 2, ...status }) });
}

function step(changes: Partial<DrainView> = {}) {
  const { servers = [on("host-2", "a")], migrations = [movedBy(away, "a")] } = changes;
  const { nodes = [sampleNode("host-1"), sampleNode("host-2"), sampleNode("host-3")] } = changes;
  const drain = changes.drain ?? back();
  return drainStep({
    drain,
    drains: [planned, away, earlier, drain],
    nodes,
    servers,
    migrations,
    budgets: [],
    candidates: candidatesOf({ nodes, servers, migrations, images: [] }),
    memoryBytes: () => undefined,
    limits: { parallelPerFleet: 5, parallelOutboundPerNode: 2 },
    now,
    ...changes,
  });
}

describe("a drain taken back", () => {
  test("opens the node first, and only once", () => {
    const nodes = [sampleNode("host-1", { spec: { unschedulable: true } }), sampleNode("host-2")];
    expect(step({ drain: back({ status: {} }), nodes })).toMatchObject({
      actions: [{ kind: "uncordon", node: "host-1" }],
      status: { phase: "Returning", bringsBack: ["uid-away"] },
    });
    expect(step({ nodes })).toMatchObject({
      actions: [],
      status: { phase: "Blocked", message: expect.stringContaining("cordoned") },
    });
  });

  test("moves what the last drain moved away back to the node, and nowhere else", () => {
    const { actions, status } = step({
      servers: [on("host-2", "a"), on("host-2", "b"), on("host-2", "stranger")],
      migrations: [movedBy(away, "a"), movedBy(earlier, "b")],
    });
    expect(actions).toMatchObject([{ kind: "move", server: "a", targetNode: "host-1", name: "a-back-uid-back-1" }]);
    expect(status).toMatchObject({ phase: "Returning", total: 1, bringsBack: ["uid-away"] });
  });

  test.each<[string, Drain[], string[]]>([
    ["the last one", [earlier, away], ["uid-away"]],
    [
      "attempts before it that ended badly, too",
      [
        earlier,
        drainOf("failed", 0.1, { status: { phase: "Failed" } }),
        drainOf("cancelled", 0.2, { status: { phase: "Cancelled" } }),
        away,
      ],
      ["uid-away", "uid-cancelled", "uid-failed"],
    ],
    [
      "the same again, when it was broken off",
      [away, drainOf("broken-off", 1.5, { spec: { bringBack: true }, status: { phase: "Cancelled" } })],
      ["uid-away"],
    ],
    [
      "nothing from before an earlier return",
      [
        drainOf("old", 0.1, { status: { phase: "Failed" } }),
        drainOf("returned", 0.5, { spec: { bringBack: true }, status: { phase: "Succeeded" } }),
        away,
      ],
      ["uid-away"],
    ],
    ["none of another node", [drainOf("other", 1, { spec: { node: "host-3" } })], []],
  ])("is of %s", (_what, drains, expected) => {
    expect(step({ drains }).status.bringsBack).toEqual(expected);
  });

  test("waits for what it starts where a budget counts it", () => {
    const stopped = sampleServer("held", {
      status: placedStatus("host-1", { phase: "Stopped" }),
      spec: { runStrategy: "Stopped" },
      metadata: { annotations: { "vfleet.dev/stopped-by-drain": "uid-away" } },
    });
    const budgets = [sampleBudget("all", { maxUnavailable: 1 })];
    const started = sampleServer("held", { status: placedStatus("host-1", { phase: "Starting" }) });
    for (const server of [stopped, started])
      expect(step({ servers: [on("host-2", "a"), server], budgets }).status.phase).toBe("Returning");
  });

  test.each<[string, VirtualServer, Migration]>([
    ["was moved elsewhere since", on("host-3", "a", { epoch: 3 }), movedBy(away, "a")],
    ["was moved since and is there again", on("host-2", "a", { epoch: 4 }), movedBy(away, "a")],
    ["is back already", on("host-1", "a", { epoch: 3 }), movedBy(away, "a")],
    ["was stopped since", on("host-2", "a", { phase: "Stopped" }), movedBy(away, "a")],
    ["never left", on("host-1", "a", { epoch: 1 }), movedBy(away, "a", { phase: "Failed" })],
  ])("leaves alone what %s", (_what, server, migration) => {
    expect(step({ servers: [server], migrations: [migration] })).toMatchObject({
      actions: [],
      status: { phase: "Succeeded", message: "Nothing is left to bring back" },
    });
  });

  test("starts what the drain had stopped, and nothing that anyone else stopped", () => {
    const stopped = (name: string, by: string) =>
      sampleServer(name, {
        status: placedStatus("host-1", { phase: "Stopped" }),
        spec: { runStrategy: "Stopped" },
        metadata: { annotations: by === "" ? {} : { "vfleet.dev/stopped-by-drain": by } },
      });
    const servers = [stopped("mine", "uid-away"), stopped("older", "uid-earlier"), stopped("theirs", "")];
    expect(step({ servers, migrations: [] })).toMatchObject({
      actions: [{ kind: "start", namespace: "default", server: "mine" }],
      status: { phase: "Succeeded", started: ["default/mine"] },
    });
  });

  test("goes on with the same drain after a restart, even when that has been deleted", () => {
    const drain = back({ status: { phase: "Returning", bringsBack: ["uid-away"] } });
    expect(step({ drain, drains: [earlier, drain] }).actions).toMatchObject([{ server: "a" }]);
  });

  test("ends when its last move has", () => {
    const drain = back();
    const own = (status: Migration["status"]) =>
      movedBy(drain, "a", { sourceNode: "host-2", targetNode: "host-1", ...status });
    const servers = [on("host-1", "a", { epoch: 3 })];
    const of = (status: Migration["status"]) =>
      step({ drain, servers, migrations: [movedBy(away, "a"), own(status)] }).status;
    expect(of({ phase: "Committed" })).toMatchObject({ phase: "Returning" });
    expect(of({ phase: "Succeeded" })).toMatchObject({ phase: "Succeeded", total: 1, moved: 1 });
  });

  test("is cancelled with its moves; what is back stays", () => {
    const drain = back({ spec: { cancel: true } });
    const open = movedBy(drain, "a", { phase: "Syncing" });
    expect(step({ drain, migrations: [movedBy(away, "a"), open] }).actions).toMatchObject([{ kind: "cancel-move" }]);
    expect(step({ drain })).toMatchObject({
      actions: [],
      status: { phase: "Cancelled", message: "Cancelled; what is back stays" },
    });
  });

  test("of a node that was never drained has nothing to do", () => {
    const drain = back();
    expect(step({ drain, drains: [planned, drain] }).status).toMatchObject({
      phase: "Succeeded",
      message: "It was not drained: there is nothing to bring back",
    });
  });

  test("can be planned, and then opens nothing", () => {
    const nodes = [sampleNode("host-1"), sampleNode("host-2")];
    const drain = back({ spec: { dryRun: true }, status: {} });
    expect(step({ drain, nodes })).toMatchObject({
      actions: [],
      status: { phase: "Planned", plan: { servers: [{ action: "Move", targetNode: "host-1" }] } },
    });
  });
});
