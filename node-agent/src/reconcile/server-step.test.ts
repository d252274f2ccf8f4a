import { describe, expect, it } from "vitest";
import type { ContainerState } from "../engine/runtime/runtime-driver.ts";
import { assignmentForTests } from "./assignment.fixture.ts";
import { stepServer } from "./server-step.ts";
import type { ServerSituation } from "./server-step.ts";

const running: ContainerState = { state: "running", pid: 7 };
const created: ContainerState = { state: "created", pid: 7 };
const none: ContainerState = { state: "none" };
const failedExit: ContainerState = { state: "exited", exitCode: 3 };

type Change = Partial<Omit<ServerSituation, "record">> & {
  record?: Partial<ServerSituation["record"]>;
  run?: boolean;
  endsWithLease?: boolean;
  restartPolicy?: "Always" | "OnFailure" | "Never";
};

function situation({
  record,
  run = true,
  endsWithLease = false,
  restartPolicy = "Always",
  ...rest
}: Change = {}): ServerSituation {
  return {
    record: {
      version: 1,
      uid: "u",
      epoch: 1,
      restarts: 0,
      confirmedBoot: "boot",
      assignment: assignmentForTests({ run, endsWithLease, restartPolicy }),
      ...record,
    },
    container: none,
    hasVolume: false,
    hasImage: true,
    isMigrating: false,
    bootId: "boot",
    term: undefined,
    retryAtMs: 0,
    failure: undefined,
    areLimitsStale: false,
    ...rest,
  };
}

function released(rest: Change = {}): ServerSituation {
  const base = situation(rest);
  const { assignment: _assignment, ...record } = base.record;
  return { ...base, record };
}

const nowMs = 1000;

describe("a server that begins as a checkpoint, or has ended with one", () => {
  const restored = (awaitsRestore: boolean, record: Change["record"] = {}, container: ContainerState = none) =>
    situation({ record: { assignment: assignmentForTests({ awaitsRestore }), ...record }, container });
  it.each([
    ["is not started before it is restored", restored(true), "nothing", "Pending", "AwaitingRestore"],
    ["runs once it is restored", restored(true, { startedAtMs: 1 }, running), "nothing", "Running", undefined],
    ["is started as others once it has run", restored(true, { startedAtMs: 1 }), "start", "Starting", undefined],
    [
      "is cleared away when it ended with it, whatever its restart policy",
      restored(false, { isSuspended: true, startedAtMs: 1 }, failedExit),
      "clear",
      "Stopping",
      "Suspended",
    ],
    ["stays ended", restored(false, { isSuspended: true, startedAtMs: 1 }), "nothing", "Stopped", "Suspended"],
    ["waits to go on", restored(true, { isSuspended: true, startedAtMs: 1 }), "nothing", "Pending", "AwaitingRestore"],
  ])("%s", (_what, given, ...expected) => {
    const decision = stepServer(given, nowMs);
    expect([decision.action.do, decision.phase, decision.reason]).toEqual(expected);
  });
});

describe("a server that should run", () => {
  it.each([
    ["starts when its image is here", situation(), "start", "Starting"],
    [
      "starts from its volume when the image is gone",
      situation({ hasImage: false, hasVolume: true }),
      "start",
      "Starting",
    ],
    ["waits for its image", situation({ hasImage: false }), "nothing", "Pending"],
    [
      "waits for the controller's word after a boot",
      situation({ record: { confirmedBoot: "earlier" } }),
      "nothing",
      "Pending",
    ],
    [
      "runs on without the controller's word",
      situation({ container: running, record: { confirmedBoot: "earlier" } }),
      "nothing",
      "Running",
    ],
    ["waits for a lease where it ends with one", situation({ endsWithLease: true }), "nothing", "Pending"],
    [
      "waits for the controller's word after the lease ran out",
      situation({ endsWithLease: true, term: "second", record: { confirmedTerm: "first" } }),
      "nothing",
      "Pending",
    ],
    [
      "starts on a word of this lease",
      situation({ endsWithLease: true, term: "second", record: { confirmedTerm: "second" } }),
      "start",
      "Starting",
    ],
    ["needs no lease where it doesn't end with one", situation({ term: undefined }), "start", "Starting"],
    ["waits out its back-off", situation({ retryAtMs: nowMs + 1 }), "wait", "Pending"],
    [
      "gets its changed limits while it runs",
      situation({ container: running, areLimitsStale: true }),
      "adjust-limits",
      "Running",
    ],
    ["is cleared when it was made and not begun", situation({ container: created }), "clear", "Starting"],
    ["is noted when it ended", situation({ container: failedExit }), "note-exit", "Starting"],
    ["stays ended when its policy says so", situation({ record: { ended: { exitCode: 3 } } }), "nothing", "Failed"],
    [
      "is stopped, not failed, when it ended well",
      situation({ record: { ended: { exitCode: 0 } } }),
      "nothing",
      "Stopped",
    ],
    [
      "ends what a cold move has left of it before it starts",
      situation({ container: failedExit, restartPolicy: "Never", record: { isStoppedToMove: true, startedAtMs: 5 } }),
      "stop",
      "Starting",
    ],
    [
      "is left to the migration that has stopped it",
      situation({ record: { isStoppedToMove: true, heldBy: "op" } }),
      "nothing",
      "Migrating",
    ],
    [
      "is left to the restore that has ended it",
      situation({ record: { isStoppedToMove: true, restoring: "op" } }),
      "nothing",
      "Starting",
    ],
    ["starts again after a power cut", situation({ hasVolume: true, record: { startedAtMs: 5 } }), "start", "Starting"],
    [
      "is not repeated after a power cut when its policy is Never",
      situation({ restartPolicy: "Never", record: { startedAtMs: 5 } }),
      "note-exit",
      "Starting",
    ],
  ] as const)("%s", (_what, given, action, phase) => {
    const decision = stepServer(given, nowMs);
    expect([decision.action.do, decision.phase]).toEqual([action, phase]);
  });
});

describe("a server that should not run", () => {
  it.each([
    ["is stopped", situation({ run: false, container: running }), "stop", "Stopping"],
    ["is stopped before it began", situation({ run: false, container: created }), "stop", "Stopping"],
    ["is noted when it ended by itself", situation({ run: false, container: failedExit }), "note-exit", "Stopping"],
    ["forgets that it had ended", situation({ run: false, record: { ended: { exitCode: 3 } } }), "clear", "Stopped"],
    ["rests", situation({ run: false }), "nothing", "Stopped"],
  ] as const)("%s", (_what, given, action, phase) => {
    const decision = stepServer(given, nowMs);
    expect([decision.action.do, decision.phase]).toEqual([action, phase]);
  });
});

describe("a released server", () => {
  it.each([
    ["is deleted while it runs", released({ container: running, hasVolume: true }), "delete"],
    ["is deleted when only its volume is left", released({ hasVolume: true }), "delete"],
    ["is done when nothing is left", released(), "nothing"],
  ] as const)("%s", (_what, given, action) => {
    expect(stepServer(given, nowMs).action.do).toBe(action);
  });
});

describe("a server in a migration's hands", () => {
  const states = [none, created, running, failedExit];
  it.each(states)("is left alone, $state", (container) => {
    for (const change of [{ isMigrating: true }, { record: { heldBy: "operation" } }]) {
      for (const given of [
        situation({ container, ...change }),
        situation({ container, run: false, ...change }),
        released({ container, hasVolume: true, ...change }),
      ]) {
        expect(stepServer(given, nowMs)).toEqual({ action: { do: "nothing" }, phase: "Migrating" });
      }
    }
  });
});
