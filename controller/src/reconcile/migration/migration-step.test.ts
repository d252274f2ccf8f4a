import { describe, expect, test } from "vitest";
import type { MigrationProgress, MigrationStatus } from "@vfleet/shared";
import { placedStatus, sampleMigration, sampleServer } from "../samples.ts";
import type { MigrationView, SideView } from "./migration-step.ts";
import { migrationFinalizer, migrationStep } from "./migration-step.ts";

const now = "2026-01-01T00:00:10.000Z";
const started: MigrationStatus = {
  startedAt: "2026-01-01T00:00:00.000Z",
  sourceNode: "host-1",
  targetNode: "host-2",
  epoch: 1,
};
const side: SideView = {
  presence: "alive",
  progress: undefined,
  heldEpoch: undefined,
  isRunning: false,
  hasReported: true,
};
const idle: MigrationView["session"] = { state: "idle", error: undefined, silentMs: 0, marks: [], told: false };

function progress(
  of: "source" | "target",
  phase: MigrationProgress["phase"],
  more: Partial<MigrationProgress> = {},
): MigrationProgress {
  return {
    operation: "uid-move",
    uid: "uid-web",
    side: of,
    phase,
    movedBytes: 0,
    expectedBytes: 0,
    memoryBytes: 0,
    volumeBytes: 0,
    wireBytes: 0,
    timeline: [],
    ...more,
  };
}

interface Changes extends Partial<Omit<MigrationView, "source" | "target" | "session" | "migration">> {
  phase?: MigrationStatus["phase"];
  cancel?: boolean;
  status?: MigrationStatus;
  source?: Partial<SideView>;
  target?: Partial<SideView>;
  session?: Partial<MigrationView["session"]>;
  metadata?: object;
}

function view({
  phase,
  cancel = false,
  status = {},
  source,
  target,
  session,
  metadata,
  ...changes
}: Changes): MigrationView {
  return {
    migration: sampleMigration("move", {
      spec: { cancel },
      metadata: metadata ?? {},
      ...(phase === undefined ? {} : { status: { ...started, phase, ...status } }),
    }),
    server: sampleServer("web", { status: placedStatus("host-1") }),
    operation: { state: "begun" },
    source: { ...side, ...source },
    target: { ...side, ...target },
    session: { ...idle, ...session },
    isSettling: false,
    now,
    ...changes,
  };
}

const commanded = { state: "started" as const };

describe("migrationStep: what is done in each state", () => {
  test.each<[string, Changes, string | undefined, object[]]>([
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

describe("migrationStep: after the commit", () => {
  const runsThere = { heldEpoch: 2, isRunning: true };
  const committed = {
    phase: "Committed" as const,
    operation: { state: "committed" as const },
    session: { told: true },
  };
  test.each<[string, Changes, string]>([
    [
      "both done",
      {
        source: { progress: progress("source", "done") },
        target: { ...runsThere, progress: progress("target", "done") },
      },
      "Succeeded",
    ],
    [
      "the target has more to fetch",
      {
        source: { progress: progress("source", "done") },
        target: { ...runsThere, progress: progress("target", "cleaning") },
      },
      "Committed",
    ],
    [
      "the target's report is not there yet",
      { source: { progress: progress("source", "done") }, target: { progress: progress("target", "done") } },
      "Committed",
    ],
    [
      "the server's own status follows in a moment",
      {
        server: sampleServer("web", { status: placedStatus("host-2", { phase: "Migrating" }) }),
        source: { progress: progress("source", "done") },
        target: { ...runsThere, progress: progress("target", "done") },
      },
      "Committed",
    ],
    [
      "the source cleans up",
      {
        source: { heldEpoch: 1, progress: progress("source", "cleaning") },
        target: { ...runsThere, progress: progress("target", "done") },
      },
      "Committed",
    ],
    ["after a restart, by the reports alone", { source: {}, target: runsThere }, "Succeeded"],
    ["after a restart, the source still holds it", { source: { heldEpoch: 1 }, target: runsThere }, "Committed"],
    [
      "after a restart, the source wasn't heard yet",
      { source: { hasReported: false }, target: runsThere },
      "Committed",
    ],
    ["the source is lost", { source: { heldEpoch: 1, presence: "lost" }, target: runsThere }, "Succeeded"],
    [
      "the source doesn't finish",
      { now: "2026-01-01T00:00:45.000Z", source: { heldEpoch: 1 }, target: runsThere },
      "Succeeded",
    ],
    [
      "the target's restore died",
      {
        source: { progress: progress("source", "done") },
        target: { progress: progress("target", "failed", { error: { code: "x", message: "restore died" } }) },
      },
      "Committed",
    ],
    [
      "a cancel is too late",
      {
        cancel: true,
        source: { progress: progress("source", "done") },
        target: { ...runsThere, progress: progress("target", "done") },
      },
      "Succeeded",
    ],
  ])("%s", (_what, changes, phase) => {
    const { status } = migrationStep(
      view({
        ...committed,
        status: { timeline: [{ step: "commit", side: "controller", atMs: 9000 }] },
        server: sampleServer("web", { status: placedStatus("host-2") }),
        ...changes,
      }),
    );
    expect(status?.phase).toBe(phase);
    const shown = [status?.endedAt, status?.totalMs, status?.message].map((member) => typeof member);
    expect(shown).toEqual(
      phase === "Succeeded" ? ["string", "number", "undefined"] : ["undefined", "undefined", "string"],
    );
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
