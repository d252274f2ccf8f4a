import { describe, expect, test } from "vitest";
import type { MigrationStatus } from "@vfleet/shared";
import { placedStatus, sampleServer } from "../samples.ts";
import { stepCommitted } from "./committed-step.ts";
import { sampleProgress as progress, sampleView as view } from "./sample-view.ts";
import type { ViewChanges } from "./sample-view.ts";

const runsThere = { held: { epoch: 2, phase: "Running" as const, restarts: 0 } };
const heldBefore = { held: { epoch: 1, phase: "Migrating" as const, restarts: 0 } };
const committed = {
  phase: "Committed" as const,
  operation: { state: "committed" as const },
  session: { told: true },
};
const committedAt: MigrationStatus = { timeline: [{ step: "commit", side: "controller", atMs: 9000 }] };
const died = progress("target", "failed", { error: { code: "x", message: "restore died" } });
const minutesLater = "2026-01-01T00:03:00.000Z";

describe("stepCommitted", () => {
  test.each<[string, ViewChanges, string]>([
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
        source: { ...heldBefore, progress: progress("source", "cleaning") },
        target: { ...runsThere, progress: progress("target", "done") },
      },
      "Committed",
    ],
    [
      "the target's last word was lost: its reports say the same",
      {
        source: { progress: progress("source", "done") },
        target: { ...runsThere, quietMs: 5001, progress: progress("target", "cleaning") },
      },
      "Succeeded",
    ],
    [
      "the target's last word may still come",
      {
        source: { progress: progress("source", "done") },
        target: { ...runsThere, quietMs: 4999, progress: progress("target", "cleaning") },
      },
      "Committed",
    ],
    [
      "the source failed to clean up",
      {
        source: { ...heldBefore, progress: progress("source", "failed") },
        target: { ...runsThere, progress: progress("target", "done") },
      },
      "Succeeded",
    ],
    ["the server is gone meanwhile", { server: undefined, source: {}, target: {} }, "Succeeded"],
    [
      "stopped on request meanwhile",
      {
        server: sampleServer("web", {
          spec: { runStrategy: "Stopped" },
          status: placedStatus("host-2", { phase: "Stopped" }),
        }),
        target: { held: { epoch: 2, phase: "Stopped", restarts: 0 } },
      },
      "Succeeded",
    ],
    ["the target is silent for a moment", { target: { presence: "lost" } }, "Committed"],
    ["after a restart, by the reports alone", { source: {}, target: runsThere }, "Succeeded"],
    ["after a restart, the source still holds it", { source: heldBefore, target: runsThere }, "Committed"],
    [
      "after a restart, the source wasn't heard yet",
      { source: { hasReported: false }, target: runsThere },
      "Committed",
    ],
    ["the source is lost", { source: { ...heldBefore, presence: "lost" }, target: runsThere }, "Succeeded"],
    [
      "the source doesn't finish",
      { now: "2026-01-01T00:00:45.000Z", source: heldBefore, target: runsThere },
      "Succeeded",
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
    const { status } = stepCommitted(
      view({
        ...committed,
        status: committedAt,
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

describe("stepCommitted: what ran of the server is lost", () => {
  test.each<[string, ViewChanges, string, string]>([
    [
      "and was started again",
      { target: { ...runsThere, progress: died } },
      "LostAfterCommit",
      'Lost after the commit: restore died; the server was started again on node "host-2"',
    ],
    [
      "and rests, as its restart policy says",
      { target: { held: { epoch: 2, phase: "Failed", restarts: 0, message: "Its command ended" }, progress: died } },
      "LostAfterCommit",
      'Lost after the commit: restore died; the server is Failed on node "host-2": Its command ended',
    ],
    [
      "and isn't started again within the limit",
      {
        target: {
          held: { epoch: 2, phase: "Pending", restarts: 1, message: "no image" },
          quietMs: 20_001,
          progress: died,
        },
      },
      "LostAfterCommit",
      'Lost after the commit: restore died; the server is Pending on node "host-2": no image',
    ],
    [
      "and the target doesn't have it",
      { target: { quietMs: 20_001, progress: died } },
      "LostAfterCommit",
      'Lost after the commit: restore died; node "host-2" does not have the server',
    ],
    [
      "with the target",
      { now: minutesLater, target: { presence: "lost", progress: progress("target", "committed") } },
      "LostAfterCommit",
      'node "host-2" was not heard of after the commit; what became of the server is known when node "host-2" is heard of again',
    ],
    [
      "after a restart of this controller: the target says that it ended and began again",
      { target: { held: { epoch: 2, phase: "Running", restarts: 1 }, quietMs: 5001 } },
      "LostAfterCommit",
      'Its processes ended after the commit; the server was started again on node "host-2"',
    ],
    [
      "after a restart of this controller: the target says that it ended",
      { target: { held: { epoch: 2, phase: "Failed", restarts: 0 }, quietMs: 5001 } },
      "LostAfterCommit",
      'Its processes ended after the commit; the server is Failed on node "host-2"',
    ],
    [
      "as far as anyone knows: the target never says",
      { now: minutesLater, target: { quietMs: 120_001, progress: progress("target", "committed") } },
      "LostAfterCommit",
      'node "host-2" says nothing of it for 120 s; node "host-2" does not have the server',
    ],
    [
      "while pages were still at the source",
      {
        status: { ...committedAt, mode: "Postcopy", bothHostsNeeded: true },
        target: { ...runsThere, progress: { ...died, bothHostsNeeded: false } },
      },
      "PostCopyLost",
      'Lost after the commit: restore died; the server was started again on node "host-2"',
    ],
    [
      "after the last page had come",
      {
        status: { ...committedAt, mode: "Postcopy", bothHostsNeeded: false },
        target: { ...runsThere, progress: died },
      },
      "LostAfterCommit",
      'Lost after the commit: restore died; the server was started again on node "host-2"',
    ],
  ])("%s", (_what, changes, reason, message) => {
    const { status } = stepCommitted(view({ ...committed, status: committedAt, ...changes }));
    expect(status).toMatchObject({ phase: "Failed", reason, message });
    expect(typeof status?.endedAt).toBe("string");
    expect(status?.bothHostsNeeded ?? false).toBe(false);
  });

  test("waits until it is decided whether it is started again", () => {
    const target = { held: { epoch: 2, phase: "Starting" as const, restarts: 0 }, progress: died };
    expect(stepCommitted(view({ ...committed, status: committedAt, target })).status).toMatchObject({
      phase: "Committed",
      reason: "Lost",
      message: "Lost after the commit: restore died",
    });
  });
});

test("a post-copy says until when both hosts are needed, and how far it is", () => {
  const filling = progress("target", "cleaning", { remainingBytes: 100, rateBytesPerSecond: 50 });
  const status: MigrationStatus = { ...committedAt, mode: "Postcopy" };
  const held = { epoch: 2, phase: "Migrating" as const, restarts: 0 };
  const under = stepCommitted(view({ ...committed, status, target: { held, progress: filling } })).status;
  expect(under).toMatchObject({
    phase: "Committed",
    reason: "BothHostsNeeded",
    message: 'Runs on node "host-2"; both hosts are needed until the last page has arrived',
    bothHostsNeeded: true,
    remainingBytes: 100,
    rateBytesPerSecond: 50,
  });
  const after = stepCommitted(
    view({
      ...committed,
      status: under ?? {},
      server: sampleServer("web", { status: placedStatus("host-2") }),
      source: { progress: progress("source", "done") },
      target: { ...runsThere, progress: progress("target", "done") },
    }),
  ).status;
  expect(after).toMatchObject({ phase: "Succeeded", bothHostsNeeded: false });
  expect(after).not.toHaveProperty("remainingBytes");
});
