import { describe, expect, test } from "vitest";
import type { Checkpoint, CheckpointReport } from "@vfleet/shared";
import { checkpointFinalizer, checkpointKind } from "@vfleet/shared";
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

const server = { uid: "s", node: "a", isRunning: true, migration: undefined };
const node = { presence: "alive" as const, exists: true, report: undefined };
const report = (change: Partial<CheckpointReport>): CheckpointReport => ({
  checkpoint: "c",
  phase: "Ready",
  ...change,
});
const taking = { phase: "Taking" as const, node: "a", serverUid: "s" };
const ready = { ...taking, phase: "Ready" as const };
const deleted = { deletionTimestamp: "now" };
const base: CheckpointView = { checkpoint: checkpoint(), server, node };

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
      { checkpoint: checkpoint(ready), node: { ...node, presence: "lost" } },
      { status: ready, action: undefined },
    ],
    [
      "a ready one that its node has lost",
      { checkpoint: checkpoint(ready) },
      { status: { phase: "Failed", reason: "Gone" } },
    ],
    [
      "a ready one outlives its server",
      { checkpoint: checkpoint(ready), server: undefined, node: { ...node, report: report({}) } },
      { status: ready },
    ],
    [
      "deleted: its node is told",
      { checkpoint: checkpoint(ready, deleted) },
      { status: { phase: "Deleting" }, action: { kind: "delete" } },
    ],
    [
      "deleted while its node is silent",
      { checkpoint: checkpoint(ready, deleted), node: { ...node, presence: "lost" } },
      { status: { phase: "Deleting", message: 'Waits for node "a", which is not heard of' }, action: undefined },
    ],
    [
      "deleted after its node",
      { checkpoint: checkpoint(ready, deleted), node: { ...node, presence: "lost", exists: false } },
      { action: { kind: "remove-finalizer" } },
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
