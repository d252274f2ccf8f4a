import { describe, expect, test } from "vitest";
import type { Image, VirtualServer } from "@vfleet/shared";
import { imageKind } from "@vfleet/shared";
import { AddressPool, IdBlockPool } from "../../scheduler/addresses.ts";
import { candidatesOf, FleetIndex } from "../../scheduler/fleet-index.ts";
import { placedStatus, sampleMigration, sampleNode, sampleServer } from "../samples.ts";
import type { PlacementView } from "./place-server.ts";
import { placeServer } from "./place-server.ts";

function image(status: Image["status"]): Image {
  return {
    ...imageKind.schema.parse({
      apiVersion: "vfleet.dev/v1",
      kind: "Image",
      metadata: { name: "debian" },
      spec: { source: { debootstrap: {} } },
    }),
    status,
  };
}

function allocationsOf(servers: VirtualServer[]) {
  return FleetIndex.of({ nodes: [], servers, migrations: [], images: [] }).allocations;
}

const nodes = [sampleNode("host-1"), sampleNode("host-2")];

function view(changes: Partial<PlacementView> = {}): PlacementView {
  return {
    server: sampleServer("web"),
    image: image({ phase: "Ready", digest: "sha256:d" }),
    candidates: candidatesOf({ nodes, servers: [], migrations: [], images: [] }),
    allocations: allocationsOf([]),
    addresses: new AddressPool({ range: "10.200.0.0/16", gatewayAddress: "10.200.0.1", reserved: [] }),
    idBlocks: new IdBlockPool({ start: 1_000_000_000, count: 2 }),
    now: "2026-01-01T00:00:00.000Z",
    ...changes,
  };
}

describe("placeServer", () => {
  test("gives a node, an address, its MAC and a block of ids", () => {
    expect(placeServer(view())).toMatchObject({
      placed: {
        phase: "Starting",
        nodeName: "host-1",
        address: "10.200.0.2",
        macAddress: "02:76:0a:c8:00:02",
        idBlockStart: 1_000_000_000,
        imageDigest: "sha256:d",
      },
    });
  });

  test("gives nothing twice, and leaves what others ask for by name", () => {
    const others = [
      sampleServer("a", { status: placedStatus("host-1") }),
      sampleServer("b", { spec: { network: { address: "10.200.0.3" } } }),
    ];
    expect(placeServer(view({ allocations: allocationsOf(others) }))).toMatchObject({
      placed: { address: "10.200.0.4", idBlockStart: 1_000_065_536 },
    });
  });

  test.each<[string, Partial<PlacementView>, string, string]>([
    ["no image", { image: undefined }, "ImageNotFound", 'There is no image "debian"'],
    [
      "an image being built",
      { image: image({ phase: "Building", message: "On node host-1" }) },
      "ImageNotReady",
      'Image "debian" is building: On node host-1',
    ],
    [
      "an image that failed",
      { image: image({ phase: "Failed", message: "no mirror" }) },
      "ImageFailed",
      'Image "debian" could not be made: no mirror',
    ],
    ["no node", { candidates: [] }, "Unschedulable", "no node has joined the fleet"],
    [
      "an address that another has",
      {
        server: sampleServer("web", { spec: { network: { address: "10.200.0.2" } } }),
        allocations: allocationsOf([sampleServer("a", { status: placedStatus("host-1") })]),
      },
      "AddressUnavailable",
      'Address "10.200.0.2" is taken by "default/a"',
    ],
  ])("waits with the reason: %s", (_what, changes, reason, message) => {
    expect(placeServer(view(changes))).toMatchObject({
      reason,
      message,
      pending: { phase: "Pending", reason, message },
    });
  });
});

describe("candidatesOf", () => {
  test("counts what is bound, and at a move's target what is on its way", () => {
    const servers = [sampleServer("web", { status: placedStatus("host-1") })];
    const migrations = [
      sampleMigration("move", { status: { phase: "Syncing", sourceNode: "host-1", targetNode: "host-2" } }),
    ];
    const used = candidatesOf({ nodes, servers, migrations, images: [] }).map((candidate) => candidate.used.servers);
    expect(used).toEqual([1, 1]);
  });

  test("gives the reservation back when the move has ended", () => {
    const servers = [sampleServer("web", { status: placedStatus("host-1") })];
    const migrations = [
      sampleMigration("move", { status: { phase: "Failed", sourceNode: "host-1", targetNode: "host-2" } }),
    ];
    expect(candidatesOf({ nodes, servers, migrations, images: [] })[1]?.used.servers).toBe(0);
  });

  test("counts a moved server once at its target", () => {
    const servers = [sampleServer("web", { status: placedStatus("host-2") })];
    const migrations = [
      sampleMigration("move", { status: { phase: "Committed", sourceNode: "host-1", targetNode: "host-2" } }),
    ];
    expect(candidatesOf({ nodes, servers, migrations, images: [] }).map((candidate) => candidate.used.servers)).toEqual(
      [0, 1],
    );
  });
});
