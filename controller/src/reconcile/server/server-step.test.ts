import { describe, expect, test } from "vitest";
import type { ServerReport } from "@vfleet/shared";
import { conditionOf } from "@vfleet/shared";
import type { OwnershipRecord } from "../../ownership/record.ts";
import { placedStatus, sampleServer } from "../samples.ts";
import type { ServerView } from "./server-step.ts";
import { serverStep } from "./server-step.ts";

const owner: OwnershipRecord = { uid: "uid-web", node: "host-1", epoch: 1, earlier: [] };
const report: ServerReport = {
  uid: "uid-web",
  namespace: "default",
  name: "web",
  epoch: 1,
  phase: "Running",
  restarts: 3,
  observedGeneration: 1,
};

function view(changes: Partial<ServerView> = {}): ServerView {
  return {
    server: sampleServer("web", { status: placedStatus("host-1") }),
    owner,
    node: { presence: "alive", exists: true },
    report,
    holders: [],
    isReleaseApplied: false,
    migration: undefined,
    isOperationOrphaned: false,
    now: "2026-01-01T00:00:00.000Z",
    ...changes,
  };
}

const deleted = { deletionTimestamp: "2026-01-01T00:00:00Z" };

describe("serverStep: phase of a server that is owned", () => {
  test.each<[string, Partial<ServerView>, string, string]>([
    ["what the owner reports", {}, "Running", "True"],
    ["stopped", { report: { ...report, phase: "Stopped" } }, "Stopped", "False"],
    ["failed", { report: { ...report, phase: "Failed", reason: "Exited", exitCode: 1 } }, "Failed", "False"],
    ["not reported yet", { report: undefined }, "Starting", "False"],
    ["reported under an old epoch", { owner: { ...owner, epoch: 2 } }, "Starting", "False"],
    [
      "running while a move is under way",
      {
        migration: "move",
        owner: { ...owner, operation: { id: "op", source: "host-1", target: "host-2", state: "begun" } },
      },
      "Migrating",
      "True",
    ],
    [
      "committed and running there, while the source cleans up",
      {
        migration: "move",
        owner: { ...owner, operation: { id: "op", source: "host-0", target: "host-1", state: "committed" } },
      },
      "Running",
      "True",
    ],
    [
      "committed, not yet reported by the target",
      { migration: "move", owner: { ...owner, epoch: 2 } },
      "Migrating",
      "True",
    ],
    ["its node is lost", { node: { presence: "lost", exists: true } }, "Unknown", "Unknown"],
  ])("%s", (_what, changes, phase, ready) => {
    const { status, actions } = serverStep(view(changes));
    expect(actions).toEqual([]);
    expect(status?.phase).toBe(phase);
    expect(conditionOf(status?.conditions, "Ready")?.status).toBe(ready);
    expect(conditionOf(status?.conditions, "Scheduled")?.status).toBe("True");
  });

  test("says whether it can be moved, keeps that until it is looked at again, and drops it when it doesn't run", () => {
    const seen = { ok: false, reasons: [{ reason: "IoUring", message: "process 7 uses [io_uring]" }] };
    const { status } = serverStep(view({ report: { ...report, migratable: seen } }));
    expect(conditionOf(status?.conditions, "Migratable")).toMatchObject({
      status: "False",
      reason: "IoUring",
      message: "process 7 uses [io_uring]",
    });
    const server = sampleServer("web", { status: placedStatus("host-1", { conditions: status?.conditions }) });
    const conditionOn = (changed: Partial<ServerReport>) =>
      conditionOf(serverStep(view({ server, report: { ...report, ...changed } })).status?.conditions, "Migratable");
    expect(conditionOn({})?.status).toBe("False");
    expect(conditionOn({ migratable: { ok: true, reasons: [] } })?.status).toBe("True");
    expect(conditionOn({ phase: "Stopped" })).toBeUndefined();
  });

  test.each<[string, Partial<ServerView>]>([
    ["after a cold move", { owner: { ...owner, node: "host-2", epoch: 2 }, report: { ...report, epoch: 2 } }],
    [
      "after a cold move that nobody has reported of",
      { owner: { ...owner, node: "host-2", epoch: 2 }, report: undefined },
    ],
    ["after a restart", { report: { ...report, startedAtMs: Date.parse("2026-01-02T00:00:00.000Z") } }],
  ])("what could not be moved is looked at anew %s", (_when, changes) => {
    const seen = (status: "True" | "False") =>
      sampleServer("web", {
        status: placedStatus("host-1", {
          startedAt: "2026-01-01T00:00:00.000Z",
          conditions: [{ type: "Migratable", status, reason: "Seen" }],
        }),
      });
    const after = (status: "True" | "False") =>
      conditionOf(serverStep(view({ server: seen(status), ...changes })).status?.conditions, "Migratable")?.status;
    expect([after("False"), after("True")]).toEqual([undefined, "True"]);
  });

  test("stays as written while nothing was heard since this controller began", () => {
    expect(serverStep(view({ node: { presence: "unheard", exists: true }, report: undefined })).status?.phase).toBe(
      "Running",
    );
  });

  test("node and epoch follow the ownership record, the address stays", () => {
    const { status } = serverStep(
      view({ owner: { ...owner, node: "host-2", epoch: 2 }, report: { ...report, epoch: 2 } }),
    );
    expect(status).toMatchObject({ nodeName: "host-2", epoch: 2, address: "10.200.0.2", restarts: 3 });
  });

  test("an explanation goes when what it explained is over", () => {
    const server = sampleServer("web", {
      status: placedStatus("host-1", { phase: "Unknown", reason: "NodeNotReady", message: "silent" }),
    });
    expect(serverStep(view({ server })).status).not.toHaveProperty("reason");
  });
});

describe("serverStep: actions", () => {
  test.each<[string, Partial<ServerView>, object[]]>([
    [
      "a new one gets its finalizer first",
      { server: sampleServer("web", { metadata: { finalizers: [] } }), owner: undefined },
      [{ kind: "add-finalizer" }],
    ],
    ["then a place", { server: sampleServer("web"), owner: undefined }, [{ kind: "place" }]],
    [
      "bound but not owned, as a crash leaves it, is claimed",
      { owner: undefined },
      [{ kind: "claim", node: "host-1" }],
    ],
    [
      "stopped before it was ever placed waits",
      { server: sampleServer("web", { spec: { runStrategy: "Stopped" } }), owner: undefined },
      [],
    ],
    [
      "an operation whose Migration is gone is aborted",
      {
        owner: { ...owner, operation: { id: "op", source: "host-1", target: "host-2", state: "begun" } },
        isOperationOrphaned: true,
      },
      [{ kind: "abort-orphan", operation: "op" }],
    ],
    [
      "deleted, never placed: let go",
      { server: sampleServer("web", { metadata: deleted }), owner: undefined, report: undefined },
      [{ kind: "finalize" }],
    ],
    [
      "deleted and released: let go",
      { server: sampleServer("web", { metadata: deleted }), isReleaseApplied: true, report: undefined },
      [{ kind: "finalize" }],
    ],
    [
      "deleted, its node removed from the fleet: let go",
      {
        server: sampleServer("web", { metadata: deleted }),
        node: { presence: "lost", exists: false },
        report: undefined,
      },
      [{ kind: "finalize" }],
    ],
    ["deleted, still held: waits", { server: sampleServer("web", { metadata: deleted }), isReleaseApplied: true }, []],
    [
      "deleted, still held by a former owner: waits",
      {
        server: sampleServer("web", { metadata: deleted }),
        isReleaseApplied: true,
        report: undefined,
        holders: ["host-2"],
      },
      [],
    ],
    [
      "deleted, release not applied yet: waits",
      { server: sampleServer("web", { metadata: deleted }), report: undefined },
      [],
    ],
  ])("%s", (_what, changes, actions) => expect(serverStep(view(changes)).actions).toEqual(actions));

  test("a deletion that waits says for whom", () => {
    const { status } = serverStep(
      view({ server: sampleServer("web", { metadata: deleted, status: placedStatus("host-1") }) }),
    );
    expect(status).toMatchObject({
      phase: "Stopping",
      reason: "Deleting",
      message: 'Waits for node "host-1" to release it',
    });
  });
});

describe("serverStep: whether a server may be taken over", () => {
  const restart = { spec: { availability: { onNodeLoss: "Restart" } }, metadata: { generation: 4 } };
  const armedServer = (changes: object) =>
    sampleServer("web", { status: placedStatus("host-1", { failover: { armedEpoch: 1 } }), ...changes });
  const said = { ...report, observedGeneration: 4, endsWithLease: true };
  test.each<[string, Partial<ServerView>, number | undefined]>([
    ["its node says that it ends it", { server: sampleServer("web", restart), report: said }, 1],
    ["it is to wait", { report: said }, undefined],
    ["its node doesn't say so", { server: sampleServer("web", restart), report }, undefined],
    [
      "its node says so of an earlier spec",
      { server: sampleServer("web", restart), report: { ...said, observedGeneration: 3 } },
      undefined,
    ],
    [
      "its node says so under an earlier epoch",
      { server: sampleServer("web", restart), report: said, owner: { ...owner, epoch: 2 } },
      undefined,
    ],
    ["it was said once, and the spec has changed elsewhere", { server: armedServer(restart), report: undefined }, 1],
    ["it was said once, and is to wait by now", { server: armedServer({}), report: said }, undefined],
    [
      "it was said on another host",
      { server: armedServer(restart), report: undefined, owner: { ...owner, epoch: 2 } },
      undefined,
    ],
  ])("%s", (_what, changes, armedEpoch) => {
    expect(serverStep(view(changes)).status?.failover?.armedEpoch).toBe(armedEpoch);
  });
});
