import type { Migration } from "@vfleet/shared";
import { beforeEach, describe, expect, test } from "vitest";
import { placedStatus, sampleMigration, sampleNode, sampleServer } from "../reconcile/samples.ts";
import { FleetIndex } from "./fleet-index.ts";
import { demandOf } from "./placement.ts";
import { schedule } from "./schedule.ts";

const sized = (memory: string, priority = 0) => ({
  spec: { priority, resources: { requests: { cpu: "100m", memory }, limits: { memory } } },
});
const status = { allocatable: { cpu: "4", memory: "4Gi", pods: "10" } };
const large = sampleServer("large", sized("4Gi", 10));
const victim = sampleServer("victim", { ...sized("1Gi"), status: placedStatus("host-1") });

function moveFor(phase: NonNullable<Migration["status"]>["phase"]): Migration {
  const { apiVersion, kind, metadata } = large;
  return sampleMigration("victim-for-large", {
    metadata: { ownerReferences: [{ apiVersion, kind, name: metadata.name, uid: metadata.uid ?? "" }] },
    spec: { server: "victim", reason: "Preemption", targetNode: "host-2" },
    ...(phase === undefined ? {} : { status: { phase, targetNode: "host-2" } }),
  });
}

/** Where such a server would go now. */
function placeOf(index: FleetIndex, name: string, memory: string, priority = 0): string {
  const server = sampleServer(name, sized(memory, priority));
  index.apply({ type: "ADDED", object: server });
  const choice = index.deciding(`default/${name}`, () => schedule(index.candidates, demandOf(server)));
  return "node" in choice ? choice.node : "none";
}

let index: FleetIndex;

beforeEach(() => {
  const nodes = [sampleNode("host-1", { status }), sampleNode("host-2", { status })];
  const full = sampleServer("full", { ...sized("3Gi"), status: placedStatus("host-2") });
  index = FleetIndex.of({ nodes, servers: [victim, large, full], migrations: [moveFor("Pending")], images: [] });
});

/** The victim is gone from there, and its move is over. */
function moved(): void {
  index.apply({ type: "MODIFIED", object: { ...victim, status: placedStatus("host-2") } });
  index.apply({ type: "MODIFIED", object: moveFor("Succeeded") });
}

describe("room that is made for a server", () => {
  test("is kept from others while it is made and after, and given to it", () => {
    expect(placeOf(index, "other", "1Gi")).toBe("none");
    moved();
    expect(placeOf(index, "other", "1Gi")).toBe("none");
    expect(placeOf(index, "large", "4Gi", 10)).toBe("host-1");
  });

  test("is not kept from a more important one", () => {
    moved();
    expect(placeOf(index, "urgent", "2Gi", 20)).toBe("host-1");
  });

  test("is free again once it was looked at in vain, but not while more is on its way", () => {
    index.settleNomination("default/large");
    expect(placeOf(index, "other", "1Gi")).toBe("none");
    moved();
    index.settleNomination("default/large");
    expect(placeOf(index, "other", "1Gi")).toBe("host-1");
  });

  test("is free again when it has found another place or is gone", () => {
    index.apply({ type: "MODIFIED", object: { ...large, status: placedStatus("host-9") } });
    expect(placeOf(index, "other", "1Gi")).toBe("host-1");
    expect(index.movesFor(large.metadata.uid ?? "")).toEqual(["default/victim-for-large"]);
    moved();
    expect(index.movesFor(large.metadata.uid ?? "")).toEqual([]);
  });

  test("does not count for what is asked for of the node now", () => {
    expect(index.usedOn("host-1").memoryBytes).toBe(2 ** 30);
  });

  test("is known again from what is stored, in whatever order it comes", () => {
    const again = new FleetIndex();
    for (const object of [moveFor("Pending"), victim, large, sampleNode("host-1", { status })])
      again.apply({ type: "ADDED", object });
    again.apply({ type: "MODIFIED", object: moveFor("Pending") });
    expect(placeOf(again, "other", "1Gi")).toBe("none");
  });
});

test("a server goes where its checkpoint is, if it fits there, whatever else speaks for another node", () => {
  const nodes = ["host-1", "host-2", "host-3"].map((name) => sampleNode(name, { status }));
  const busy = sampleServer("busy", { ...sized("3Gi"), status: placedStatus("host-3") });
  const { candidates } = FleetIndex.of({ nodes, servers: [busy], migrations: [], images: [] });
  const restored = (memory: string) => ({
    ...demandOf(sampleServer("restored", sized(memory))),
    checkpointNodes: new Set(["host-3"]),
  });
  expect(schedule(candidates, restored("1Gi"))).toEqual({ node: "host-3" });
  expect(schedule(candidates, restored("2Gi"))).toEqual({ node: "host-1" });
});
