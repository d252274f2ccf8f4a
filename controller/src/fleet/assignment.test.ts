import { describe, expect, test } from "vitest";
import type { Image, Node, ServerReport, VirtualServer } from "@vfleet/shared";
import { imageKind } from "@vfleet/shared";
import type { OwnershipRecord } from "../ownership/record.ts";
import { placedStatus, sampleNode, sampleServer } from "../reconcile/samples.ts";
import { assignmentOf } from "./assignment.ts";

const image = {
  ...imageKind.schema.parse({
    apiVersion: "vfleet.dev/v1",
    kind: "Image",
    metadata: { name: "debian" },
    spec: { source: { debootstrap: {} }, command: ["redis-server"] },
  }),
  status: { phase: "Ready" as const, digest: "sha256:d", nodes: ["host-1"] },
};
const deleted = { deletionTimestamp: "2026-01-01T00:00:00Z" };

function report(epoch: number): ServerReport {
  return {
    uid: "uid-web",
    namespace: "default",
    name: "web",
    epoch,
    phase: "Running",
    restarts: 0,
    observedGeneration: 1,
  };
}

interface Fixture {
  servers: readonly VirtualServer[];
  nodes: readonly Node[];
  owner: (uid: string) => OwnershipRecord | undefined;
  images: readonly Image[];
  reported: (node: string) => readonly ServerReport[];
  moving: ReadonlySet<string>;
}

/** What every node is told. */
function assignmentsOf(fixture: Fixture) {
  const { servers, nodes, images, owner, reported, moving } = fixture;
  const sources = {
    node: (name: string) => nodes.find(({ metadata }) => metadata.name === name),
    image: (name: string) => images.find(({ metadata }) => metadata.name === name),
    images: () => images,
    server: (uid: string) => servers.find(({ metadata }) => metadata.uid === uid),
    ownedBy: (node: string) => servers.filter(({ metadata }) => owner(metadata.uid ?? "")?.node === node),
    owner,
    reported,
    isMoving: (uid: string) => moving.has(uid),
    isDropped: (uid: string) => uid === "dropped",
  };
  return new Map(
    nodes.map(({ metadata: { name } }) => {
      const assignment = assignmentOf(name, sources);
      if (assignment === undefined) throw new Error(`nothing for ${name}`);
      return [name, assignment];
    }),
  );
}

function sources(
  changes: Partial<Fixture> & {
    record?: OwnershipRecord | undefined;
    reports?: Record<string, ServerReport[]>;
  } = {},
): Fixture {
  const { record = { uid: "uid-web", node: "host-1", epoch: 1, earlier: [] }, reports = {}, ...rest } = changes;
  return {
    servers: [sampleServer("web", { status: placedStatus("host-1") })],
    images: [image],
    nodes: [sampleNode("host-1"), sampleNode("host-2")],
    owner: (uid) => (uid === record.uid ? record : undefined),
    reported: (node) => reports[node] ?? [],
    moving: new Set(),
    ...rest,
  };
}

const moved: OwnershipRecord = {
  uid: "uid-web",
  node: "host-2",
  epoch: 2,
  earlier: [{ id: "op", state: "committed" }],
};

describe("what a node is told", () => {
  test("gives a server to its owner only, resolved to numbers", () => {
    const assignments = assignmentsOf(sources());
    expect(assignments.get("host-1")?.servers).toEqual([
      expect.objectContaining({
        uid: "uid-web",
        epoch: 1,
        run: true,
        command: ["redis-server"],
        image: { name: "debian", digest: "sha256:d" },
        user: { uid: 0, gid: 0 },
        hostname: "web",
        limits: { requestMilliCpu: 100, memoryBytes: 2 ** 30, diskBytes: 8 * 2 ** 30, pids: 512 },
        network: { address: "10.200.0.2", macAddress: "02:76:0a:c8:00:02" },
      }),
    ]);
    expect(assignments.get("host-2")?.servers).toEqual([]);
  });

  test("follows the ownership record, not the status", () => {
    const assignments = assignmentsOf(sources({ record: moved }));
    expect(assignments.get("host-1")?.servers).toEqual([]);
    expect(assignments.get("host-2")?.servers[0]?.epoch).toBe(2);
  });

  test("has a node that needs an image fetch it from those that hold it", () => {
    expect(assignmentsOf(sources({ record: moved })).get("host-2")?.images).toEqual([
      {
        name: "debian",
        digest: "sha256:d",
        source: { debootstrap: { suite: "bookworm", packages: [] } },
        peers: [{ node: "host-1", endpoint: { host: "10.0.0.1", port: 7443 } }],
      },
    ]);
  });

  test("has only the builder make an image that nobody holds", () => {
    const unmade = { ...image, status: { phase: "Building" as const, builderNode: "host-2" } };
    const assignments = assignmentsOf(sources({ images: [unmade], servers: [] }));
    expect(assignments.get("host-1")?.images).toEqual([]);
    expect(assignments.get("host-2")?.images[0]).not.toHaveProperty("digest");
  });

  test("keeps a server running while a move of it is open, whatever is asked for meanwhile", () => {
    const servers = [sampleServer("web", { status: placedStatus("host-1"), spec: { runStrategy: "Stopped" } })];
    const open: OwnershipRecord = {
      uid: "uid-web",
      node: "host-1",
      epoch: 1,
      earlier: [],
      operation: { id: "op", source: "host-1", target: "host-2", state: "begun" },
    };
    expect(assignmentsOf(sources({ servers })).get("host-1")?.servers[0]?.run).toBe(false);
    expect(assignmentsOf(sources({ servers, record: open })).get("host-1")?.servers[0]?.run).toBe(true);
  });
});

describe("releases", () => {
  const gone = [sampleServer("web", { status: placedStatus("host-1"), metadata: deleted })];
  const open: OwnershipRecord = {
    uid: "uid-web",
    node: "host-1",
    epoch: 1,
    earlier: [],
    operation: { id: "op", source: "host-1", target: "host-2", state: "begun" },
  };
  test.each<[string, Parameters<typeof sources>[0], string, object[]]>([
    ["the owner of a deleted server releases it", { servers: gone }, "host-1", [{ uid: "uid-web", epoch: 1 }]],
    ["not while a move of it is open", { servers: gone, record: open }, "host-1", []],
    [
      "a former owner releases what it still holds",
      { record: moved, reports: { "host-1": [report(1)] } },
      "host-1",
      [{ uid: "uid-web", epoch: 1 }],
    ],
    [
      "but not while the move cleans up itself",
      { record: moved, reports: { "host-1": [report(1)] }, moving: new Set(["uid-web"]) },
      "host-1",
      [],
    ],
    ["what is prepared for an epoch to come is left alone", { reports: { "host-2": [report(2)] } }, "host-2", []],
    ["the owner is never asked to", { reports: { "host-1": [report(1)] } }, "host-1", []],
    [
      "what nothing is known of is left alone",
      { reports: { "host-1": [{ ...report(1), uid: "stranger" }] } },
      "host-1",
      [],
    ],
    [
      "a former owner of a deleted server releases it too",
      { servers: gone, record: moved, reports: { "host-1": [report(1)] } },
      "host-1",
      [{ uid: "uid-web", epoch: 2 }],
    ],
  ])("%s", (_what, changes, node, releases) =>
    expect(assignmentsOf(sources(changes)).get(node)?.releases).toEqual(releases),
  );
});
