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

const server = {
  uid: "s",
  node: "a",
  epoch: 1,
  isWanted: true,
  isSuspended: false,
  isRunning: false,
  isAwaiting: false,
  awaits: undefined,
  message: undefined,
  migration: undefined,
};
const node = { presence: "alive" as const, report: undefined, checkpoint: undefined };
const report = (change: Partial<RestoreReport>): RestoreReport => ({
  operation: "r",
  checkpoint: "c",
  uid: "s",
  phase: "Restoring",
  ...change,
});
const startedMs = Date.parse("2026-01-01T00:00:00Z");
const told = { phase: "Restoring" as const, node: "a", serverUid: "s" };
const accepted = { ...told, acceptedAt: "2026-01-01T00:00:00Z" };
const base: RestoreView = {
  restore: restore(),
  checkpoint: checkpoint(),
  server,
  node,
  holders: ["a"],
  choose: () => ({ node: "b" }),
  nowMs: startedMs,
  now: "now",
};
const asked = { phase: "Copying" as const, node: "a", serverUid: "s", copyAskedAt: "2026-01-01T00:00:00Z" };
const copy = (phase: "Copying" | "Ready" | "Failed", message?: string) => ({
  ...node,
  checkpoint: { checkpoint: "c", phase, ...(message === undefined ? {} : { message }) },
});
const elsewhere = (status?: Restore["status"]): Restore => ({
  ...restore(status),
  spec: { checkpoint: "first", replace: false, target: { server: "web-2", isolated: false } },
});
const made = { ...server, uid: "t", node: "b", awaits: "first-1" };
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
    [
      "the server is elsewhere: the checkpoint goes there",
      { server: { ...server, node: "b" } },
      { status: { phase: "Copying", node: "b" } },
    ],
    ["nobody who has it is heard of", { holders: [] }, { status: { phase: "Pending" }, action: undefined }],
    [
      "its node is told to fetch it",
      { restore: restore({ ...asked, copyAskedAt: undefined }), holders: ["c"] },
      { status: { phase: "Copying", copyAskedAt: "now" }, action: { kind: "copy", from: "c", to: "a" } },
    ],
    ["its node fetches it", { restore: restore(asked), node: copy("Copying") }, { status: asked, action: undefined }],
    [
      "its node failed at an earlier try, and has not heard of this one",
      { restore: restore(asked), node: copy("Failed", "cut") },
      { status: asked, action: undefined },
    ],
    [
      "its node could not fetch it",
      { restore: restore(asked), node: copy("Failed", "cut"), nowMs: startedMs + 5000 },
      refused(/cut/),
    ],
    ["its node has it", { restore: restore(asked), node: copy("Ready") }, { status: { phase: "Restoring" } }],
    [
      "as a new server: that is made",
      { restore: elsewhere(), server: undefined },
      { status: { phase: "Pending" }, action: { kind: "make-server", node: "b" } },
    ],
    [
      "as a new server that fits nowhere",
      { restore: elsewhere(), server: undefined, choose: () => ({ unschedulable: "0 of 2 nodes" }) },
      { status: { phase: "Pending", message: "0 of 2 nodes" }, action: undefined },
    ],
    ["as a new server whose name is taken", { restore: elsewhere() }, refused(/names a new one/)],
    [
      "as a new server that has its place",
      { restore: elsewhere(), server: made },
      { status: { phase: "Copying", node: "b", serverUid: "t" } },
    ],
    [
      "as a new server that its node has not heard of",
      { restore: elsewhere({ ...told, node: "b", serverUid: "t" }), server: made },
      { action: undefined },
    ],
    [
      "as a new server that its node waits with",
      { restore: elsewhere({ ...told, node: "b", serverUid: "t" }), server: { ...made, isAwaiting: true } },
      { action: { kind: "restore" } },
    ],
    [
      "of a suspended server whose node has not heard that it goes on",
      { restore: restore(told), server: { ...server, isSuspended: true } },
      { action: undefined },
    ],
    [
      "of a suspended server whose node waits with it",
      { restore: restore(told), server: { ...server, isSuspended: true, isAwaiting: true } },
      { action: { kind: "restore" } },
    ],
    [
      "a new server that runs is one like others",
      { restore: elsewhere({ phase: "Succeeded" }), server: made },
      { action: { kind: "settle-server" } },
    ],
    [
      "a new server that could not be restored goes",
      { restore: elsewhere({ phase: "Failed" }), server: made },
      { action: { kind: "remove-server" } },
    ],
    [
      "a server of that name that is none of it stays",
      { restore: elsewhere({ phase: "Failed" }), server: { ...made, awaits: undefined } },
      { action: undefined },
    ],
    ["the server is to be stopped", { server: { ...server, isWanted: false } }, refused(/to be stopped/)],
    ["the server moves", { server: { ...server, migration: "web-1" } }, { status: { phase: "Pending" } }],
    ["its node is told", { restore: restore(told) }, { status: told, action: { kind: "restore" } }],
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
