import { describe, expect, test } from "vitest";
import type { ApiObject, Kind, Migration } from "@vfleet/shared";
import { kinds } from "@vfleet/shared";
import type { AdmissionRequest } from "../http/admission.ts";
import { placedStatus, sampleDrain, sampleMigration, sampleNode, sampleServer } from "../reconcile/samples.ts";
import { AddressPool } from "../scheduler/addresses.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { fleetAdmission } from "./fleet-admission.ts";

/** What is stored, for `get` and `list`: all that admission asks of a store. */
function storeOf(objects: readonly ApiObject[]): ObjectStore {
  const of = (kind: Kind) => objects.filter((object) => object.kind === kind.kind);
  return {
    get: (kind: Kind, key: { name: string }) => of(kind).find((object) => object.metadata.name === key.name),
    list: (kind: Kind) => ({ items: of(kind) }),
  } as unknown as ObjectStore;
}

const nodeInfo = {
  machineID: "",
  systemUUID: "",
  bootID: "",
  osImage: "",
  containerRuntimeVersion: "",
  kubeletVersion: "",
  kubeProxyVersion: "",
  operatingSystem: "linux",
  architecture: "amd64",
};
const stored = [
  sampleNode("host-1", {
    status: {
      conditions: [{ type: "Ready", status: "True" }],
      fleet: { dirtyTracking: false },
      nodeInfo: { ...nodeInfo, kernelVersion: "6.18" },
    },
  }),
  sampleNode("host-2"),
  sampleNode("cordoned", { spec: { unschedulable: true } }),
  sampleServer("web", { status: placedStatus("host-1") }),
  sampleServer("ring", {
    status: placedStatus("host-1", {
      address: "10.200.0.5",
      conditions: [{ type: "Migratable", status: "False", reason: "IoUring", message: "it uses io_uring (process 1)" }],
    }),
  }),
  sampleServer("moving", { status: placedStatus("host-1", { phase: "Migrating", address: "10.200.0.3" }) }),
  sampleServer("stopped", { status: placedStatus("host-1", { phase: "Stopped", address: "10.200.0.4" }) }),
  sampleMigration("under-way", { spec: { server: "moving" }, status: { phase: "Syncing" } }),
];
const addresses = new AddressPool({ range: "10.200.0.0/16", gatewayAddress: "10.200.0.1", reserved: [] });

function admit(object: ApiObject, more: readonly ApiObject[] = [], old?: ApiObject): ApiObject {
  const kind = kinds.find((candidate) => candidate.kind === object.kind);
  if (kind === undefined) throw new Error(`no kind ${object.kind}`);
  const request: AdmissionRequest = {
    kind,
    operation: old === undefined ? "create" : "update",
    object,
    old,
    user: { name: "test", groups: [] },
    dryRun: false,
  };
  const admission = fleetAdmission({ store: storeOf([...stored, ...more]), addresses, serverView: () => undefined });
  const admitted = admission(request);
  if (admitted instanceof Promise) throw new Error("admission is expected to be immediate");
  return admitted;
}

const move = (spec: object): Migration => sampleMigration("move", { spec });
const server = (spec: object) => sampleServer("new", { spec });

describe("fleetAdmission", () => {
  test.each<[string, ApiObject, string]>([
    [
      "a move of an unknown server",
      move({ server: "nobody" }),
      'Cannot migrate server "nobody": there is no virtual server "nobody"',
    ],
    ["a move to an unknown node", move({ targetNode: "nowhere" }), 'there is no node "nowhere"'],
    ["a move to where it is", move({ targetNode: "host-1" }), 'it is on node "host-1" already'],
    ["a move to a cordoned node", move({ targetNode: "cordoned" }), 'node "cordoned" is cordoned'],
    ["a second move", move({ server: "moving" }), 'migration "under-way" of it has not ended'],
    ["a move of what doesn't run", move({ server: "stopped" }), "it must be Running, it is Stopped"],
    [
      "post-copy where neither the server nor the move allows it",
      move({ mode: "Postcopy" }),
      'mode "Postcopy" needs allowPostCopy: true',
    ],
    [
      "rounds where the source does not track dirty pages",
      move({ mode: "Precopy" }),
      'mode "Precopy" needs a kernel that tracks dirty pages, node "host-1" (Linux 6.18) does not',
    ],
    [
      "a move of what can't be dumped",
      move({ server: "ring" }),
      "it cannot be moved while it runs: it uses io_uring (process 1)",
    ],
    [
      "a drain of an unknown node",
      sampleDrain({ spec: { node: "nowhere" } }),
      'Cannot drain node "nowhere": there is no such node',
    ],
    [
      "bringing servers back to an unknown node",
      sampleDrain({ spec: { node: "nowhere", bringBack: true } }),
      'Cannot bring servers back to node "nowhere": there is no such node',
    ],
    [
      "more memory requested than allowed",
      server({ resources: { requests: { memory: "2Gi" }, limits: { memory: "1Gi" } } }),
      "must be at most the limit 1Gi, it is 2Gi",
    ],
    [
      "more disk requested than allowed",
      server({ resources: { requests: { disk: "9Gi" } } }),
      "must be at most the limit 8Gi, it is 9Gi",
    ],
    [
      "more CPU requested than allowed",
      server({ resources: { requests: { cpu: "2" }, limits: { cpu: "500m" } } }),
      "must be at most the limit 500m, it is 2",
    ],
    [
      "an address out of range",
      server({ network: { address: "192.168.0.1" } }),
      "outside of the fleet's range 10.200.0.0/16",
    ],
    ["the gateway's address", server({ network: { address: "10.200.0.1" } }), "is reserved"],
    [
      "an address that is taken",
      server({ network: { address: "10.200.0.2" } }),
      '"10.200.0.2" is taken by "default/web"',
    ],
  ])("refuses %s", (_what, object, message) => expect(() => admit(object)).toThrow(message));

  test("refuses a second drain of a node until the first has ended", () => {
    const second = { ...sampleDrain(), metadata: { name: "second" } };
    expect(() => admit(second, [sampleDrain({ status: { phase: "Blocked" } })])).toThrow(
      'drain "drain" of it has not ended',
    );
    expect(admit(second, [sampleDrain({ status: { phase: "Succeeded" } })])).toBe(second);
    expect(admit(second, [sampleDrain({ spec: { dryRun: true } })])).toBe(second);
    const back = { ...sampleDrain({ spec: { bringBack: true } }), metadata: { name: "back" } };
    expect(() => admit(back, [sampleDrain({ status: { phase: "Draining" } })])).toThrow("has not ended");
    const plan = { ...sampleDrain({ spec: { dryRun: true } }), metadata: { name: "plan" } };
    expect(admit(plan, [sampleDrain({ status: { phase: "Blocked" } })])).toBe(plan);
  });

  test("what a drain has stopped is its own again once someone else starts it", () => {
    const annotations = { "vfleet.dev/stopped-by-drain": "uid-drain", mine: "kept" };
    const stopped = sampleServer("web", { spec: { runStrategy: "Stopped" }, metadata: { annotations } });
    const labelled = structuredClone(stopped);
    expect(admit(labelled, [], stopped).metadata.annotations).toEqual(annotations);
    const started = sampleServer("web", { metadata: { annotations } });
    expect(admit(started, [], stopped).metadata.annotations).toEqual({ mine: "kept" });
  });

  test.each<[string, ApiObject]>([
    ["a server whose image is not there yet", server({ image: "later" })],
    [
      "a server larger than any node: it waits",
      server({ resources: { requests: { memory: "1Ti" }, limits: { memory: "1Ti" } } }),
    ],
    ["a free address", server({ network: { address: "10.200.7.7" } })],
    ["a move to anywhere", move({})],
    ["a cold move of what can't be dumped", move({ server: "ring", mode: "Cold" })],
    ["post-copy that the move allows", move({ allowPostCopy: true, mode: "Postcopy" })],
    ["a drain", sampleDrain()],
  ])("lets pass %s", (_what, object) => expect(admit(object)).toBe(object));
});
