import { describe, expect, test } from "vitest";
import { migrationFinalizer, migrationStep } from "./migration-step.ts";
import { now, sampleProgress as progress, sampleView as view } from "./sample-view.ts";
import { sampleServer } from "../samples.ts";
import type { ViewChanges } from "./sample-view.ts";

const commanded = { state: "started" as const };

describe("migrationStep: what is done in each state", () => {
  test.each<[string, ViewChanges, string | undefined, object[]]>([
    ["asked for", {}, undefined, [{ kind: "admit" }]],
    ["cancelled before it began", { cancel: true }, "Cancelled", []],
    ["admitted, not begun", { phase: "Preparing", operation: undefined }, undefined, [{ kind: "begin" }]],
    [
      "admitted, cancelled, not begun: can't begin any more",
      { phase: "Preparing", operation: undefined, cancel: true },
      undefined,
      [{ kind: "abort", reason: "cancelled" }],
    ],
    ["begun", { phase: "Preparing" }, "Preparing", [{ kind: "command" }]],
    ["begun before this controller: listens first", { phase: "Preparing", isSettling: true }, "Preparing", []],
    [
      "begun, the source is heard: was commanded before",
      { phase: "Preparing", source: { progress: progress("source", "syncing") }, session: commanded },
      "Syncing",
      [],
    ],
    ["commanding", { phase: "Preparing", session: { state: "commanding", silentMs: 100_000 } }, "Preparing", []],
    ["source accepted", { phase: "Preparing", session: commanded }, "Syncing", []],
    [
      "source frozen",
      { phase: "Syncing", session: commanded, source: { progress: progress("source", "frozen") } },
      "Freezing",
      [],
    ],
    [
      "target restoring",
      { phase: "Syncing", session: commanded, target: { progress: progress("target", "restoring") } },
      "Freezing",
      [],
    ],
    [
      "a late message doesn't lead back",
      { phase: "Freezing", session: commanded, source: { progress: progress("source", "syncing") } },
      "Freezing",
      [],
    ],
    ["cancelled", { phase: "Syncing", cancel: true }, "Syncing", [{ kind: "abort", reason: "cancelled" }]],
    [
      "deleted: cancelled",
      { phase: "Syncing", metadata: { deletionTimestamp: now } },
      "Syncing",
      [{ kind: "abort", reason: "cancelled" }],
    ],
    [
      "the server is deleted",
      { phase: "Freezing", session: commanded, server: sampleServer("web", { metadata: { deletionTimestamp: now } }) },
      "Freezing",
      [{ kind: "abort", reason: "the server is being deleted" }],
    ],
    [
      "the server is stopped",
      { phase: "Freezing", session: commanded, server: sampleServer("web", { spec: { runStrategy: "Stopped" } }) },
      "Freezing",
      [{ kind: "abort", reason: "the server is being stopped" }],
    ],
    [
      "agents refused",
      { phase: "Preparing", session: { state: "failed", error: "no room" } },
      "Preparing",
      [{ kind: "abort", reason: "no room" }],
    ],
    [
      "target lost",
      { phase: "Syncing", session: commanded, target: { presence: "lost" } },
      "Syncing",
      [{ kind: "abort", reason: 'node "host-2" was not heard of' }],
    ],
    [
      "source lost",
      { phase: "Freezing", session: commanded, source: { presence: "lost" } },
      "Freezing",
      [{ kind: "abort", reason: 'node "host-1" was not heard of' }],
    ],
    [
      "silent",
      { phase: "Freezing", session: { state: "started", silentMs: 60_001 } },
      "Freezing",
      [{ kind: "abort", reason: "nothing was heard of it for 60 s" }],
    ],
    [
      "stalled",
      { phase: "Syncing", session: { state: "started", stalledMs: 165_001 } },
      "Syncing",
      [{ kind: "abort", reason: "nothing has moved for 150 s" }],
    ],
    [
      "too slow",
      { phase: "Freezing", session: commanded, now: "2026-01-01T00:02:46.000Z" },
      "Freezing",
      [{ kind: "abort", reason: "not committed within 150 s" }],
    ],
    [
      "committed",
      { phase: "Freezing", operation: { state: "committed" } },
      "Committed",
      [{ kind: "tell", outcome: "committed" }],
    ],
    [
      "committed, though a cancel was asked for",
      { phase: "Freezing", cancel: true, operation: { state: "committed" } },
      "Committed",
      [{ kind: "tell", outcome: "committed" }],
    ],
    [
      "aborted",
      { phase: "Freezing", operation: { state: "aborted", reason: "host-1: disk full" } },
      "Failed",
      [{ kind: "tell", outcome: "aborted" }],
    ],
    [
      "aborted as asked",
      { phase: "Freezing", cancel: true, operation: { state: "aborted", reason: "cancelled" } },
      "Cancelled",
      [{ kind: "tell", outcome: "aborted" }],
    ],
    ["ended", { phase: "Succeeded" }, undefined, []],
    [
      "ended, still kept",
      { phase: "Failed", metadata: { finalizers: [migrationFinalizer] } },
      undefined,
      [{ kind: "let-go" }],
    ],
  ])("%s", (_what, changes, phase, actions) => {
    const decision = migrationStep(view(changes));
    expect(decision.actions).toEqual(actions);
    expect(decision.status?.phase).toBe(phase);
  });
});

test("numbers and timelines of both sides are brought together without comparing their clocks", () => {
  const { status } = migrationStep(
    view({
      phase: "Freezing",
      session: {
        state: "started",
        marks: [
          { step: "prepare-target", atMs: 100 },
          { step: "start-source", atMs: 300 },
        ],
      },
      source: {
        progress: progress("source", "frozen", {
          movedBytes: 90,
          wireBytes: 40,
          pauseMs: 120,
          timeline: [{ step: "freeze", atMs: 50, durationMs: 7 }],
        }),
      },
      target: {
        progress: progress("target", "restoring", {
          movedBytes: 80,
          pauseMs: 60,
          timeline: [{ step: "restore", atMs: 400 }],
        }),
      },
    }),
  );
  expect(status).toMatchObject({ movedBytes: 90, wireBytes: 40, pauseMs: 120 });
  expect(status?.timeline).toEqual([
    { step: "prepare-target", side: "controller", atMs: 100 },
    { step: "start-source", side: "controller", atMs: 300 },
    { step: "freeze", side: "source", atMs: 350, durationMs: 7 },
    { step: "restore", side: "target", atMs: 700 },
  ]);
});
