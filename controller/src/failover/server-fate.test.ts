import type { Checkpoint } from "@vfleet/shared";
import { checkpointKind } from "@vfleet/shared";
import { describe, expect, test } from "vitest";
import { placedStatus, sampleServer } from "../reconcile/samples.ts";
import type { RestoreSource } from "./restore-sources.ts";
import { restoreSources } from "./restore-sources.ts";
import type { FateView } from "./server-fate.ts";
import { failoverPlace, failoverWish } from "./server-fate.ts";

const owner = { uid: "uid-web", node: "host-1", epoch: 3, earlier: [] };
const armed = placedStatus("host-1", { failover: { armedEpoch: 3 } });
const nightly: RestoreSource = {
  name: "nightly",
  checkpoint: "c-1",
  takenAt: "2026-01-01T02:00:00Z",
  nodes: ["host-3"],
};
const older: RestoreSource = { name: "older", checkpoint: "c-0", takenAt: "2026-01-01T01:00:00Z", nodes: ["host-2"] };

function server(onNodeLoss: string, spec: object = {}, status = armed, metadata: object = {}) {
  return sampleServer("web", { spec: { ...spec, availability: { onNodeLoss } }, status, metadata });
}

function view(changes: Partial<FateView>): FateView {
  return {
    server: server("Restart"),
    owner,
    isMoving: false,
    isOutOfService: false,
    isImageThere: true,
    sources: () => [],
    ...changes,
  };
}

describe("a server whose node is lost", () => {
  test.each<[string, Partial<FateView>, string]>([
    ["waits where it is to", { server: server("Wait") }, "Waits"],
    ["starts anew from its image", {}, "restart"],
    ["keeps its files where its image went with the node", { isImageThere: false }, "NoImage"],
    ["is restored", { server: server("Restore"), sources: () => [nightly] }, "restore"],
    ["keeps its files where there is no checkpoint", { server: server("Restore") }, "NoCheckpoint"],
    ["stays stopped", { server: server("Restart", { runStrategy: "Stopped" }) }, "NotRunning"],
    [
      "stays deleted",
      { server: server("Restart", {}, armed, { deletionTimestamp: "2026-01-01T00:00:00Z" }) },
      "NotRunning",
    ],
    ["is left to its move", { isMoving: true }, "Moving"],
    ["may be running there still", { server: server("Restart", {}, placedStatus("host-1")) }, "NotFenced"],
    ["was said to be ended under another epoch", { owner: { ...owner, epoch: 4 } }, "NotFenced"],
    [
      "is dead, as an operator says",
      { server: server("Restart", {}, placedStatus("host-1")), isOutOfService: true },
      "restart",
    ],
  ])("%s", (_what, changes, outcome) => {
    const wish = failoverWish(view(changes));
    expect("left" in wish ? wish.left.reason : Object.keys(wish)[0]).toBe(outcome);
  });

  test("is restored from the newest checkpoint that a node has on which it fits, and it is said what is lost", () => {
    const choose = (among?: readonly string[]) =>
      among?.includes("host-3") === true ? { unschedulable: "full" } : { node: among?.[0] ?? "host-9" };
    const place = failoverPlace(view({}), { restore: [nightly, older] }, choose);
    expect(place).toEqual({
      node: "host-2",
      source: older,
      lost: 'what it did after its checkpoint "older" of 2026-01-01T01:00:00Z is lost',
    });
    expect(failoverPlace(view({}), { restart: true }, choose)).toMatchObject({ node: "host-9" });
    expect(failoverPlace(view({}), { restore: [nightly] }, choose)).toMatchObject({
      left: { reason: "NoRoom", message: "full" },
    });
  });
});

describe("where a server could be restored from", () => {
  const checkpoint = (name: string, status: Checkpoint["status"], metadata: object = {}) =>
    checkpointKind.schema.parse({
      apiVersion: "vfleet.dev/v1",
      kind: "Checkpoint",
      metadata: { name, namespace: "default", uid: `uid-${name}`, ...metadata },
      spec: { server: "web" },
      status: { phase: "Ready", serverUid: "uid-web", takenAt: "2026-01-01T00:00:00.000Z", ...status },
    });

  test("its own checkpoints that are ready and that a living node has, newest first", () => {
    const checkpoints = [
      checkpoint("first", {}),
      checkpoint("second", { takenAt: "2026-01-02T00:00:00.000Z" }),
      checkpoint("nowhere", { takenAt: "2026-01-03T00:00:00.000Z" }),
      checkpoint("under-way", { phase: "Taking" }),
      checkpoint("of-another", { serverUid: "uid-other" }),
      checkpoint("deleted", {}, { deletionTimestamp: "2026-01-01T00:00:00Z" }),
    ];
    const holders = (uid: string) => (uid === "uid-nowhere" ? [] : ["host-2"]);
    const found = restoreSources({ uid: "uid-web", checkpoints, holders });
    expect(found.map(({ name }) => name)).toEqual(["second", "first"]);
  });
});
