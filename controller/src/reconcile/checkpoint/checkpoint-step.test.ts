import { describe, expect, test } from "vitest";
import type { Checkpoint, CheckpointReport } from "@vfleet/shared";
import { checkpointFinalizer, checkpointKind } from "@vfleet/shared";
import { sampleServer } from "../samples.ts";
import { checkpointStep, type CheckpointView } from "./checkpoint-step.ts";

function checkpoint(status?: Checkpoint["status"], metadata: Partial<Checkpoint["metadata"]> = {}): Checkpoint {
  const parsed = checkpointKind.schema.parse({
    apiVersion: "vfleet.dev/v1",
    kind: "Checkpoint",
    metadata: { name: "first", namespace: "default", uid: "c", finalizers: [checkpointFinalizer], ...metadata },
    spec: { server: "web" },
  });
  return status === undefined ? parsed : { ...parsed, status };
}

const { spec } = sampleServer("web");
const server = { uid: "s", node: "a", isRunning: true, migration: undefined, spec };
const node = { presence: "alive" as const, exists: true, report: undefined };
const report = (change: Partial<CheckpointReport>): CheckpointReport => ({
  checkpoint: "c",
  phase: "Ready",
  ...change,
});
const taking = { phase: "Taking" as const, node: "a", serverUid: "s" };
const ready = { ...taking, phase: "Ready" as const };
const deleted = { deletionTimestamp: "now" };
const base: CheckpointView = {
  checkpoint: checkpoint(),
  server,
  node,
  holders: [],
  nextCopy: { unschedulable: "one is enough" },
  isInUse: false,
  nowMs: Date.parse("2026-01-01T00:00:00Z"),
};
const holder = (name: string, phase?: CheckpointReport["phase"], presence: "alive" | "lost" = "alive") => ({
  node: name,
  presence,
  exists: true,
  report: phase === undefined ? undefined : report({ phase, ...(phase === "Failed" ? { message: "cut" } : {}) }),
});
const two = { spec: { server: "web", copies: 2, stops: false } };
const nextCopy = { node: "b" };

describe("checkpointStep", () => {
  test.each<[string, Partial<CheckpointView>, object]>([
    [
      "a new one gets its finalizer first",
      { checkpoint: checkpoint(undefined, { finalizers: [] }) },
      { status: { phase: "Pending" }, action: { kind: "add-finalizer" } },
    ],
    ["it is taken where the server is", {}, { status: { phase: "Taking", node: "a", serverUid: "s" } }],
    ["without a server", { server: undefined }, { status: { phase: "Failed", reason: "ServerNotFound" } }],
    [
      "the server does not run",
      { server: { ...server, isRunning: false } },
      { status: { phase: "Failed", reason: "ServerNotRunning" } },
    ],
    [
      "the server moves",
      { server: { ...server, migration: "web-1" } },
      { status: { phase: "Pending", message: 'Waits for migration "web-1"' } },
    ],
    ["its node is told", { checkpoint: checkpoint(taking) }, { status: taking, action: { kind: "take" } }],
    [
      "its node works",
      { checkpoint: checkpoint(taking), node: { ...node, report: report({ phase: "Taking" }) } },
      { status: taking, action: undefined },
    ],
    [
      "its node has it, and is asked what",
      { checkpoint: checkpoint(taking), node: { ...node, report: report({}) } },
      { status: taking, action: { kind: "describe" } },
    ],
    [
      "its node could not",
      { checkpoint: checkpoint(taking), node: { ...node, report: report({ phase: "Failed", message: "io_uring" }) } },
      { status: { phase: "Failed", reason: "NotTaken", message: "io_uring" } },
    ],
    [
      "its node is lost meanwhile",
      { checkpoint: checkpoint(taking), node: { ...node, presence: "lost" } },
      { status: { phase: "Failed", reason: "NodeLost" } },
    ],
    [
      "another server has the name now",
      { checkpoint: checkpoint(taking), server: { ...server, uid: "other" } },
      { status: { phase: "Failed", reason: "ServerNotFound" } },
    ],
    [
      "a ready one whose node is silent",
      { checkpoint: checkpoint(ready), holders: [holder("a", undefined, "lost")] },
      { status: { ...ready, copies: [{ node: "a" }] }, action: undefined },
    ],
    [
      "a ready one that its node has lost",
      { checkpoint: checkpoint(ready) },
      { status: { phase: "Failed", reason: "Gone" } },
    ],
    [
      "one that was gone and is back",
      { checkpoint: checkpoint({ ...ready, phase: "Failed", reason: "Gone" }), holders: [holder("a", "Ready")] },
      { status: { ...ready, copies: [{ node: "a" }] } },
    ],
    [
      "one that could not be taken, whatever its node says later",
      { checkpoint: checkpoint({ ...ready, phase: "Failed", reason: "NotTaken" }), holders: [holder("a", "Ready")] },
      { status: { phase: "Failed", reason: "NotTaken" } },
    ],
    [
      "a ready one outlives its server",
      { checkpoint: checkpoint(ready), server: undefined, holders: [holder("a", "Ready")] },
      { status: ready },
    ],
    [
      "deleted: its node is told",
      { checkpoint: checkpoint(ready, deleted), holders: [holder("a", "Ready"), holder("b", "Ready")] },
      { status: { phase: "Deleting" }, action: { kind: "delete", nodes: ["a", "b"], isLast: true } },
    ],
    [
      "deleted while its node is silent",
      { checkpoint: checkpoint(ready, deleted), holders: [holder("a", undefined, "lost")] },
      { status: { phase: "Deleting", message: 'Waits for node "a", which is not heard of' }, action: undefined },
    ],
    [
      "deleted after its node",
      { checkpoint: checkpoint(ready, deleted), holders: [{ ...holder("a", undefined, "lost"), exists: false }] },
      { action: { kind: "remove-finalizer" } },
    ],
    [
      "a second copy is wanted: a peer fetches it",
      { checkpoint: { ...checkpoint(ready), ...two }, holders: [holder("a", "Ready")], nextCopy },
      { status: { copies: [{ node: "a" }] }, action: { kind: "copy", from: "a", to: "b" } },
    ],
    [
      "a second copy is on its way",
      {
        checkpoint: { ...checkpoint(ready), ...two },
        holders: [holder("a", "Ready"), holder("b", "Copying")],
        nextCopy,
      },
      { action: undefined },
    ],
    [
      "a second copy has failed a moment ago: it is said, and tried again later",
      {
        checkpoint: { ...checkpoint({ ...ready, copyAskedAt: "2025-12-31T23:59:50Z" }), ...two },
        holders: [holder("a", "Ready"), holder("b", "Failed")],
        nextCopy,
      },
      { status: { message: "1 of 2 copies: b: cut" }, action: undefined },
    ],
    [
      "a second copy can go nowhere",
      {
        checkpoint: { ...checkpoint(ready), ...two },
        holders: [holder("a", "Ready")],
        nextCopy: { unschedulable: "full" },
      },
      { status: { message: "1 of 2 copies: full" }, action: undefined },
    ],
    [
      "a node that has a copy is lost: the other has it, and one more is made",
      {
        checkpoint: { ...checkpoint(ready), ...two },
        holders: [holder("a", undefined, "lost"), holder("c", "Ready")],
        nextCopy,
      },
      { status: { node: "c", copies: [{ node: "a" }, { node: "c" }] }, action: { kind: "copy", from: "c", to: "b" } },
    ],
    [
      "it came back: one copy too many goes",
      { checkpoint: checkpoint(ready), holders: [holder("a", "Ready"), holder("b", "Ready")] },
      { status: { node: "a" }, action: { kind: "trim", node: "b" } },
    ],
    [
      "one copy too many stays while it is restored",
      { checkpoint: checkpoint(ready), holders: [holder("a", "Ready"), holder("b", "Ready")], isInUse: true },
      { action: undefined },
    ],
    [
      "deleted before any node had it",
      { checkpoint: checkpoint(undefined, deleted) },
      { action: { kind: "remove-finalizer" } },
    ],
  ])("%s", (_what, change, expected) => {
    expect({ action: undefined, ...checkpointStep({ ...base, ...change }) }).toMatchObject(expected);
  });
});
