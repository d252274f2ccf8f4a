import { describe, expect, test } from "vitest";
import type { Checkpoint, Restore, RestoreReport } from "@vfleet/shared";
import { checkpointKind, restoreKind } from "@vfleet/shared";
import { restoreForgottenMs, restoreStep, type RestoreView } from "./restore-step.ts";

function restore(status?: Restore["status"], replace = false): Restore {
  const parsed = restoreKind.schema.parse({
    apiVersion: "vfleet.dev/v1",
    kind: "Restore",
    metadata: { name: "first-1", namespace: "default", uid: "r" },
    spec: { checkpoint: "first", replace },
  });
  return status === undefined ? parsed : { ...parsed, status };
}

function checkpoint(status: Checkpoint["status"] = { phase: "Ready", node: "a", serverUid: "s" }): Checkpoint {
  const metadata = { name: "first", namespace: "default", uid: "c" };
  const spec = { server: "web" };
  return {
    ...checkpointKind.schema.parse({ apiVersion: "vfleet.dev/v1", kind: "Checkpoint", metadata, spec }),
    status,
  };
}

const server = { uid: "s", node: "a", isWanted: true, isRunning: false, migration: undefined };
const node = { presence: "alive" as const, report: undefined };
const report = (change: Partial<RestoreReport>): RestoreReport => ({
  operation: "r",
  checkpoint: "c",
  uid: "s",
  phase: "Restoring",
  ...change,
});
const startedMs = Date.parse("2026-01-01T00:00:00Z");
const told = { phase: "Restoring" as const, node: "a" };
const accepted = { ...told, acceptedAt: "2026-01-01T00:00:00Z" };
const base: RestoreView = { restore: restore(), checkpoint: checkpoint(), server, node, nowMs: startedMs, now: "now" };
const refused = (message: RegExp) => ({
  status: { phase: "Failed", message: expect.stringMatching(message) as unknown },
});

describe("restoreStep", () => {
  test.each<[string, Partial<RestoreView>, object]>([
    ["it begins where the checkpoint is", {}, { status: { phase: "Restoring", node: "a", startedAt: "now" } }],
    ["over a running server", { server: { ...server, isRunning: true } }, refused(/runs: spec.replace/)],
    [
      "over a running server with leave",
      { restore: restore(undefined, true), server: { ...server, isRunning: true } },
      { status: { phase: "Restoring" } },
    ],
    ["without the checkpoint", { checkpoint: undefined }, refused(/no checkpoint/)],
    ["of one that isn't ready", { checkpoint: checkpoint({ phase: "Taking", node: "a" }) }, refused(/is Taking/)],
    ["without the server", { server: undefined }, refused(/no server/)],
    ["another server has the name", { server: { ...server, uid: "other" } }, refused(/another one/)],
    ["the server is elsewhere", { server: { ...server, node: "b" } }, refused(/on node "b"/)],
    ["the server is to be stopped", { server: { ...server, isWanted: false } }, refused(/to be stopped/)],
    ["the server moves", { server: { ...server, migration: "web-1" } }, { status: { phase: "Pending" } }],
    ["its node is told", { restore: restore(told) }, { status: told, action: "restore" }],
    [
      "its node is lost before",
      { restore: restore(told), node: { ...node, presence: "lost" } },
      refused(/not heard of/),
    ],
    [
      "its node works",
      { restore: restore(accepted), node: { ...node, report: report({}) } },
      { status: accepted, action: undefined },
    ],
    [
      "done",
      { restore: restore(accepted), node: { ...node, report: report({ phase: "Succeeded", pauseMs: 300 }) } },
      { status: { phase: "Succeeded", pauseMs: 300, endedAt: "now" } },
    ],
    [
      "failed",
      { restore: restore(accepted), node: { ...node, report: report({ phase: "Failed", message: "damaged" }) } },
      refused(/damaged/),
    ],
    ["taken on, and not in a report yet", { restore: restore(accepted) }, { status: accepted, action: undefined }],
    [
      "taken on, and forgotten: never told twice",
      { restore: restore(accepted), nowMs: startedMs + restoreForgottenMs },
      { ...refused(/started again/), action: undefined },
    ],
    [
      "ended",
      { restore: restore({ phase: "Succeeded" }), checkpoint: undefined },
      { status: { phase: "Succeeded" }, action: undefined },
    ],
  ])("%s", (_what, change, expected) =>
    expect({ action: undefined, ...restoreStep({ ...base, ...change }) }).toMatchObject(expected),
  );
});
