import { describe, expect, test } from "vitest";
import { candidatesOf } from "../../scheduler/fleet-index.ts";
import { placedStatus, sampleMigration, sampleNode, sampleServer } from "../samples.ts";
import type { AdmitView } from "./admit-migration.ts";
import { admitMigration } from "./admit-migration.ts";

const server = sampleServer("web", { status: placedStatus("host-1") });

function view(changes: Partial<AdmitView> = {}): AdmitView {
  const nodes = changes.nodes ?? [sampleNode("host-1"), sampleNode("host-2"), sampleNode("host-3")];
  const migration = changes.migration ?? sampleMigration("move");
  const migrations = changes.migrations ?? [migration];
  const servers = [changes.server ?? server];
  return {
    migration,
    server,
    owner: { uid: "uid-web", node: "host-1", epoch: 4, earlier: [] },
    migrations,
    nodes,
    candidates: candidatesOf({ nodes, servers, migrations, images: [] }),
    presence: () => "alive",
    memoryBytes: 64 * 2 ** 20,
    limits: { parallelPerFleet: 5, parallelOutboundPerNode: 2 },
    now: "now",
    ...changes,
  };
}

const underWay = (name: string, source: string) =>
  sampleMigration(name, {
    spec: { server: name },
    status: { phase: "Syncing", sourceNode: source, targetNode: "host-3" },
  });

test("picks a target other than the source and starts under the present epoch", () => {
  expect(admitMigration(view())).toEqual({
    start: {
      phase: "Preparing",
      mode: "StopAndCopy",
      modeReason:
        "Within maxDowntime 900 ms: a pause of 736 ms is predicted (64.0 MiB at 190.7 MiB/s, assumed as nothing was measured between these hosts yet, and 400 ms)",
      predictedPauseMs: 736,
      sourceNode: "host-1",
      targetNode: "host-2",
      epoch: 4,
      startedAt: "now",
    },
  });
});

test("a cold move may go where a dump could not be restored", () => {
  const fleet = { criuVersion: "3.17.1", runcVersion: "1.1.4" };
  const nodes = [sampleNode("host-1"), sampleNode("host-2", { status: { fleet } })];
  const migration = sampleMigration("move", { spec: { mode: "Cold" } });
  expect(admitMigration(view({ nodes, migration }))).toEqual({
    start: {
      phase: "Preparing",
      mode: "Cold",
      modeReason: "Asked for",
      sourceNode: "host-1",
      targetNode: "host-2",
      epoch: 4,
      startedAt: "now",
    },
  });
});

describe("refuses", () => {
  const cordoned = [sampleNode("host-1"), sampleNode("host-2", { spec: { unschedulable: true } })];
  const elsewhere = (targetNode: string) => sampleMigration("move", { spec: { targetNode } });
  test.each<[string, Partial<AdmitView>, string, string]>([
    ["an unknown server", { server: undefined }, "ServerNotFound", 'there is no virtual server "web"'],
    [
      "one that doesn't run",
      { server: sampleServer("web", { status: placedStatus("host-1", { phase: "Stopped" }) }) },
      "ServerNotRunning",
      "it must be Running, it is Stopped",
    ],
    ["an unknown node", { migration: elsewhere("nowhere") }, "NodeNotFound", 'there is no node "nowhere"'],
    ["where it is", { migration: elsewhere("host-1") }, "AlreadyThere", 'it is on node "host-1" already'],
    [
      "a cordoned target",
      { migration: elsewhere("host-2"), nodes: cordoned },
      "TargetCordoned",
      'node "host-2" is cordoned',
    ],
    [
      "a second move",
      {
        migrations: [sampleMigration("move"), underWay("other", "host-1")].map((migration) =>
          migration.metadata.name === "other"
            ? { ...migration, spec: { ...migration.spec, server: "web" } }
            : migration,
        ),
      },
      "AlreadyMigrating",
      'migration "other" of it has not ended',
    ],
    [
      "no node that fits",
      { nodes: cordoned },
      "NoTargetFits",
      "0/2 nodes fit: 1 where it runs now, 1 cordoned; uncordon it",
    ],
    [
      "another CRIU",
      {
        nodes: [
          sampleNode("host-1"),
          sampleNode("host-2", { status: { fleet: { criuVersion: "3.17.1", runcVersion: "1.1.5" } } }),
        ],
      },
      "NoTargetFits",
      "0/2 nodes fit: 1 where it runs now, 1 with another CRIU (needed 4.2.1, found 3.17.1)",
    ],
  ])("%s", (_what, changes, reason, message) =>
    expect(admitMigration(view(changes))).toEqual({ refuse: { reason, message } }),
  );
});

describe("waits", () => {
  test.each<[string, Partial<AdmitView>, string]>([
    [
      "for its turn to leave the node",
      { migrations: [sampleMigration("move"), underWay("a", "host-1"), underWay("b", "host-1")] },
      "WaitingForTurn",
    ],
    [
      "for its turn in the fleet",
      { migrations: [sampleMigration("move"), ...["a", "b", "c", "d", "e"].map((name) => underWay(name, "host-2"))] },
      "WaitingForTurn",
    ],
    ["for the node after a restart", { presence: () => "unheard" }, "WaitingForNode"],
  ])("%s", (_what, changes, reason) => expect(admitMigration(view(changes))).toMatchObject({ wait: { reason } }));
});
