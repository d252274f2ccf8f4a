import { expect, test } from "vitest";
import type { Checkpoint, Restore, VirtualServer } from "@vfleet/shared";
import { checkpointKind, restoreKind } from "@vfleet/shared";
import { placedStatus, sampleServer } from "../samples.ts";
import { suspendStep, type SuspendView } from "./suspend-step.ts";

type Phase = NonNullable<Checkpoint["status"]>["phase"];
const server = (runStrategy: VirtualServer["spec"]["runStrategy"], isSuspended = false) =>
  sampleServer("web", {
    spec: { runStrategy },
    status: placedStatus("host-1", isSuspended ? { suspended: { checkpoint: "web-s" } } : {}),
  });
const checkpoint = (phase: Phase): Checkpoint => ({
  ...checkpointKind.schema.parse({
    apiVersion: "vfleet.dev/v1",
    kind: "Checkpoint",
    metadata: { name: "web-s", namespace: "default" },
    spec: { server: "web", stops: true },
  }),
  status: { phase },
});
const restore = (phase: NonNullable<Restore["status"]>["phase"]): Restore => ({
  ...restoreKind.schema.parse({
    apiVersion: "vfleet.dev/v1",
    kind: "Restore",
    metadata: { name: "web-r", namespace: "default" },
    spec: { checkpoint: "web-s" },
  }),
  status: { phase },
});
const none = { checkpoint: undefined, restore: undefined };

test.each<[string, Partial<SuspendView> & Pick<SuspendView, "server">, object | undefined]>([
  ["one that runs is let run", { server: server("Running") }, undefined],
  ["one that runs is suspended", { server: server("Suspended") }, { kind: "take" }],
  ["one that doesn't run waits", { server: server("Suspended"), isRunning: false }, undefined],
  ["its checkpoint is being taken", { server: server("Suspended"), checkpoint: checkpoint("Taking") }, undefined],
  [
    "it is its checkpoint",
    { server: server("Suspended"), checkpoint: checkpoint("Ready") },
    { kind: "note", checkpoint: "web-s" },
  ],
  ["it could not be dumped, and runs on", { server: server("Suspended"), checkpoint: checkpoint("Failed") }, undefined],
  ["it is suspended", { server: server("Suspended", true), checkpoint: checkpoint("Ready") }, undefined],
  ["resumed before it was taken", { server: server("Running"), checkpoint: checkpoint("Pending") }, { kind: "forget" }],
  ["resumed while it is taken", { server: server("Running"), checkpoint: checkpoint("Taking") }, undefined],
  [
    "resumed after it ended with it",
    { server: server("Running"), checkpoint: checkpoint("Ready") },
    { kind: "note", checkpoint: "web-s" },
  ],
  [
    "resumed",
    { server: server("Running", true), checkpoint: checkpoint("Ready") },
    { kind: "resume", checkpoint: "web-s" },
  ],
  [
    "it goes on",
    { server: server("Running", true), checkpoint: checkpoint("Ready"), restore: restore("Restoring") },
    undefined,
  ],
  [
    "it could not go on: that is said, and nothing thrown away",
    { server: server("Running", true), checkpoint: checkpoint("Ready"), restore: restore("Failed") },
    undefined,
  ],
  [
    "it runs again",
    { server: server("Running", true), checkpoint: checkpoint("Ready"), restore: restore("Succeeded") },
    { kind: "forget" },
  ],
  ["stopped while suspended", { server: server("Stopped", true), checkpoint: checkpoint("Ready") }, { kind: "forget" }],
])("%s", (_what, view, action) => expect(suspendStep({ isRunning: true, ...none, ...view })).toEqual(action));
