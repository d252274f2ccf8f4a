import { describe, expect, test } from "vitest";
import type { NodeReport } from "@vfleet/shared";
import { demandOf } from "../../scheduler/placement.ts";
import { candidatesOf } from "../../scheduler/fleet-index.ts";
import { sampleNode, sampleServer } from "../samples.ts";
import { chooseCopyNode, chooseRestoreNode, misfit, type CopyView } from "./checkpoint-places.ts";

const versions = { criu: "4.2.1", runc: "1.1.5", kernel: "6.18", architecture: "x64", cgroup: "v1" };
const info = (change: Partial<NodeReport["info"]> = {}): NodeReport["info"] => ({
  machineId: "",
  kernelVersion: "6.18",
  osImage: "",
  architecture: "amd64",
  runcVersion: "1.1.5",
  criuVersion: "4.2.1",
  dirtyTracking: false,
  ...change,
});
const nodes = [
  ["a", "x"],
  ["b", "x"],
  ["c", "y"],
].map(([name = "", zone = ""]) => {
  const node = sampleNode(name);
  return { ...node, metadata: { ...node.metadata, labels: { "topology.kubernetes.io/zone": zone } } };
});
const copyView: CopyView = {
  nodes,
  holders: ["a"],
  versions,
  infoOf: () => info(),
  isAlive: () => true,
  heldBy: () => 0,
};

describe("chooseCopyNode", () => {
  test.each<[string, Partial<CopyView>, object]>([
    ["another zone first", {}, { node: "c" }],
    ["the same zone where no other is alive", { isAlive: (node) => node !== "c" }, { node: "b" }],
    [
      "the same zone where the other has another CRIU",
      { infoOf: (node) => info(node === "c" ? { criuVersion: "4.1" } : {}) },
      { node: "b" },
    ],
    ["the one with fewer where zones don't matter", { holders: ["a", "c"] }, { node: "b" }],
    ["nowhere where all have it", { holders: ["a", "b", "c"] }, { unschedulable: "no other node is in the fleet" }],
    [
      "nowhere where none is alive",
      { isAlive: () => false },
      { unschedulable: "of 2 other nodes none is ready, open and of its versions" },
    ],
  ])("%s", (_what, change, expected) => expect(chooseCopyNode({ ...copyView, ...change })).toEqual(expected));
});

test("a misfit says what is needed and found, and names of architectures may differ", () => {
  expect(misfit(versions, info())).toBeUndefined();
  expect(misfit(versions, info({ runcVersion: "1.2" }))).toBe("runc 1.1.5 is needed, found 1.2");
});

describe("chooseRestoreNode", () => {
  const view = {
    candidates: candidatesOf({ nodes, servers: [], migrations: [], images: [] }),
    demand: demandOf(sampleServer("web-2")),
    node: undefined,
    holders: ["b"],
    versions,
    infoOf: () => info(),
  };
  test("where the checkpoint is", () => expect(chooseRestoreNode(view)).toEqual({ node: "b" }));
  test("where it is asked for", () => expect(chooseRestoreNode({ ...view, node: "c" })).toEqual({ node: "c" }));
  test("elsewhere where those that have it are closed", () => {
    const closed = view.candidates.map((candidate) => ({ ...candidate, cordoned: candidate.name === "b" }));
    expect(chooseRestoreNode({ ...view, candidates: closed })).toEqual({ node: "a" });
  });
  test("nowhere where no version is right, and it says so", () => {
    const choice = chooseRestoreNode({ ...view, infoOf: () => info({ criuVersion: "4.1" }) });
    expect(JSON.stringify(choice)).toContain("CRIU 4.2.1 is needed, found 4.1");
  });
});
