import { describe, expect, test } from "vitest";
import type { Node, VirtualServer } from "@vfleet/shared";
import { placedStatus, sampleNode, sampleServer } from "../reconcile/samples.ts";
import { candidatesOf, FleetIndex } from "./fleet-index.ts";
import type { Candidate } from "./placement.ts";
import { demandOf, take } from "./placement.ts";
import { schedule } from "./schedule.ts";
import { Search } from "./search.ts";

const web = { app: "web" };
const labelSelector = { matchLabels: web };
const antiAffinity = [{ labelSelector, topologyKey: "zone" }];

function node(name: string, labels: Record<string, string> = {}, changes: Parameters<typeof sampleNode>[1] = {}): Node {
  const made = sampleNode(name, changes);
  return { ...made, metadata: { ...made.metadata, labels } };
}

/** Bound to a node, with a size of its own. */
function on(nodeName: string, name: string, changes: { spec?: object; metadata?: object } = {}): VirtualServer {
  return sampleServer(name, { ...changes, status: placedStatus(nodeName) });
}

function sized(memory: string, more: object = {}): object {
  return { resources: { requests: { memory, ...more }, limits: { memory } } };
}

function fleet(nodes: Node[], servers: VirtualServer[] = []): readonly Candidate[] {
  return candidatesOf({ nodes, servers, migrations: [], images: [] });
}

const cordoned = { spec: { unschedulable: true } };
const tainted = (effect: string) => ({ spec: { taints: [{ key: "gpu", value: "a100", effect }] } });
const zones = [node("host-1", { zone: "a" }), node("host-2", { zone: "b" })];

describe("says why not, by filter, and what would help", () => {
  test.each<[string, readonly Candidate[], object, string]>([
    ["an empty fleet", [], {}, "no node has joined the fleet"],
    [
      "cordon and memory",
      fleet(
        [...["host-1", "host-2", "host-3"].map((name) => node(name, {}, cordoned)), node("host-4"), node("host-5")],
        [on("host-4", "a", { spec: sized("7Gi") }), on("host-5", "b", { spec: sized("7680Mi") })],
      ),
      sized("4Gi"),
      "0/5 nodes fit: 3 cordoned, 2 too little memory (requested 4Gi, free at most 1Gi); uncordon one or lower requests.memory",
    ],
    [
      "readiness",
      fleet([node("host-1", {}, { status: { conditions: [{ type: "Ready", status: "Unknown" }] } })]),
      {},
      "0/1 nodes fit: 1 not ready; get an agent to report",
    ],
    [
      "taints",
      fleet([node("host-1", {}, tainted("NoSchedule"))]),
      {},
      "0/1 nodes fit: 1 tainted (gpu=a100:NoSchedule); tolerate gpu=a100:NoSchedule",
    ],
    [
      "a toleration of another value",
      fleet([node("host-1", {}, tainted("NoExecute"))]),
      { placement: { tolerations: [{ key: "gpu", value: "b200" }] } },
      "0/1 nodes fit: 1 tainted (gpu=a100:NoExecute); tolerate gpu=a100:NoExecute",
    ],
    [
      "labels",
      fleet([node("host-1"), node("host-2", { disk: "hdd" })]),
      { placement: { nodeSelector: { disk: "ssd" } } },
      "0/2 nodes fit: 2 without label disk=ssd; label one disk=ssd",
    ],
    [
      "CPU",
      fleet([node("host-1")], [on("host-1", "a", { spec: { resources: { requests: { cpu: "3950m" } } } })]),
      {},
      "0/1 nodes fit: 1 too little CPU (requested 100m, free 50m); lower requests.cpu",
    ],
    [
      "disk",
      fleet([
        node(
          "host-1",
          {},
          { status: { allocatable: { cpu: "4", memory: "8Gi", pods: "9", "ephemeral-storage": "5Gi" } } },
        ),
      ]),
      sized("1Gi", { disk: "6Gi" }),
      "0/1 nodes fit: 1 too little disk (requested 6Gi, free 5Gi); lower requests.disk",
    ],
    [
      "number of servers",
      fleet(
        [node("host-1", {}, { status: { allocatable: { cpu: "4", memory: "8Gi", pods: "1" } } })],
        [on("host-1", "a")],
      ),
      {},
      "0/1 nodes fit: 1 full (1 servers)",
    ],
    [
      "those it must be apart from",
      fleet(zones, [
        on("host-1", "a", { metadata: { labels: web } }),
        on("host-2", "b", { metadata: { labels: web } }),
      ]),
      { placement: { antiAffinity } },
      "0/2 nodes fit: 2 beside a server that it must not share zone with; add a node in another domain or change placement.antiAffinity",
    ],
    [
      "those that must be apart from it",
      fleet([zones[0]!], [on("host-1", "a", { spec: { placement: { antiAffinity } } })]),
      {},
      "0/1 nodes fit: 1 beside a server that must not share zone with it; add a node in another domain or change placement.antiAffinity",
    ],
    [
      "spread",
      fleet(
        [...zones, node("host-3")],
        [on("host-1", "a", { metadata: { labels: web } }), on("host-2", "big", { spec: sized("8Gi") })],
      ),
      { placement: { spread: [{ topologyKey: "zone", labelSelector }] }, ...sized("1Gi") },
      "0/3 nodes fit: 1 in a zone with 1 more than the one with the fewest, 1 too little memory (requested 1Gi, free 0), 1 without label zone, which it is spread over; make room where the fewest are or raise maxSkew in placement.spread or lower requests.memory or label nodes with zone",
    ],
    [
      "spread over what no node has",
      fleet(zones),
      { placement: { spread: [{ topologyKey: "rack", labelSelector }] } },
      "0/2 nodes fit: 2 without label rack, which it is spread over; label nodes with rack",
    ],
    [
      "a selector and anti-affinity that leave nothing together",
      fleet(zones, [on("host-1", "a", { metadata: { labels: web } })]),
      { placement: { nodeSelector: { zone: "a" }, antiAffinity } },
      "0/2 nodes fit: 1 beside a server that it must not share zone with, 1 without label zone=a; add a node in another domain or change placement.antiAffinity or label one zone=a",
    ],
    [
      "a toleration of what no taint is",
      fleet([node("host-1", {}, tainted("NoSchedule"))]),
      { placement: { tolerations: [{ key: "tpu", operator: "Exists" }] } },
      "0/1 nodes fit: 1 tainted (gpu=a100:NoSchedule); tolerate gpu=a100:NoSchedule",
    ],
  ])("%s", (_what, candidates, spec, message) => {
    const server = sampleServer("web", { spec, metadata: { labels: web } });
    expect(schedule(candidates, demandOf(server))).toEqual({ unschedulable: message });
  });

  test("names the reason of an excluded node", () => {
    expect(
      schedule(fleet([node("host-1")]), demandOf(sampleServer("web")), new Map([["host-1", "where it runs"]])),
    ).toEqual({
      unschedulable: "0/1 nodes fit: 1 where it runs",
    });
  });
});

describe("picks", () => {
  const copies = (count: number, placement: object) =>
    Array.from({ length: count }, (_, index) =>
      demandOf(sampleServer(`web-${index}`, { metadata: { labels: web }, spec: { placement, ...sized("128Mi") } })),
    );

  /** Where each goes, one after the other. */
  function placed(candidates: readonly Candidate[], demands: ReturnType<typeof copies>): (string | undefined)[] {
    return demands.map((demand) => {
      const choice = schedule(candidates, demand);
      if (!("node" in choice)) return undefined;
      take(
        candidates.find(({ name }) => name === choice.node),
        demand,
      );
      return choice.node;
    });
  }

  test("a node that has the image, but spreads before that", () => {
    const image = { metadata: { name: "debian" }, kind: "Image", status: { nodes: ["host-3"] } };
    const candidates = candidatesOf({
      nodes: ["host-1", "host-2", "host-3"].map((name) => node(name)),
      servers: [],
      migrations: [],
      images: [image as never],
    });
    expect(placed(candidates, copies(3, {}))).toEqual(["host-3", "host-1", "host-2"]);
  });

  test("what is measured as less used, of nodes alike by requests", () => {
    const index = FleetIndex.of({ nodes: [node("host-1"), node("host-2")], servers: [], migrations: [], images: [] });
    const usage = { memoryBytes: 0, diskBytes: 0, pids: 0, receivedBytesPerSecond: 0, sentBytesPerSecond: 0 };
    const host = { ...usage, pressure: {} };
    index.hear({ node: "host-1", atMs: 0, host: { ...host, milliCpu: 3900 }, servers: [] });
    index.hear({ node: "host-2", atMs: 0, host: { ...host, milliCpu: 100 }, servers: [] });
    expect(schedule(index.candidates, demandOf(sampleServer("web")))).toEqual({ node: "host-2" });
  });

  test("a tainted node when the taint is tolerated, another when it is only asked to", () => {
    const tolerations = [{ key: "gpu", operator: "Exists" }];
    const [tolerant] = copies(1, { tolerations });
    const [plain] = copies(1, {});
    expect(schedule(fleet([node("host-1", {}, tainted("NoSchedule"))]), tolerant!)).toEqual({ node: "host-1" });
    const preferring = fleet([node("host-1", {}, tainted("PreferNoSchedule")), node("host-2")]);
    expect(schedule(preferring, plain!)).toEqual({ node: "host-2" });
  });

  test("one per domain while they must be apart", () => {
    expect(placed(fleet(zones), copies(3, { antiAffinity }))).toEqual(["host-1", "host-2", undefined]);
  });

  test("evenly over domains, not over nodes, and leaves out a domain that nothing can go to", () => {
    const spread = [{ topologyKey: "zone", labelSelector }];
    const nodes = [...zones, node("host-3", { zone: "b" }), node("host-4", { zone: "c" }, cordoned)];
    const where = placed(fleet(nodes), copies(6, { spread }));
    expect(where.filter((name) => name === "host-1")).toHaveLength(3);
    expect(where).not.toContain(undefined);
  });

  test("anywhere when an even spread is only preferred", () => {
    const spread = [{ topologyKey: "zone", labelSelector, whenUnsatisfiable: "ScheduleAnyway" }];
    expect(placed(fleet([zones[0]!]), copies(3, { spread }))).toEqual(["host-1", "host-1", "host-1"]);
  });

  test("a node beside itself: what moves is no obstacle to its own move", () => {
    const moving = on("host-1", "a", { metadata: { labels: web }, spec: { placement: { antiAffinity } } });
    const nodes = [node("host-1", { zone: "a" }), node("host-2", { zone: "a" })];
    const choice = schedule(fleet(nodes, [moving]), demandOf(moving), new Map([["host-1", "where it runs"]]));
    expect(choice).toEqual({ node: "host-2" });
  });

  test("never more than a node can allocate", () => {
    const nodes = fleet([node("host-1"), node("host-2")]);
    const big = Array.from({ length: 10 }, () => demandOf(sampleServer("big", { spec: sized("4Gi") })));
    expect(placed(nodes, big).filter((name) => name !== undefined)).toHaveLength(4);
    for (const { used, allocatable } of nodes) expect(used.memoryBytes).toBeLessThanOrEqual(allocatable.memoryBytes);
  });
});

test("a bounded search goes round the fleet, and looks at every node before it gives up", () => {
  const nodes = Array.from({ length: 1000 }, (_, index) => node(`host-${index}`, index === 500 ? { disk: "ssd" } : {}));
  const candidates = fleet(nodes);
  const search = new Search();
  expect(search.enough(1000)).toBe(120);
  expect(search.enough(5000)).toBe(200);
  expect(search.enough(100_000)).toBe(2100);
  const demand = demandOf(sampleServer("web"));
  schedule(candidates, demand, undefined, search);
  expect(search.first(1000)).toBe(120);
  const picky = { ...demand, nodeSelector: { disk: "ssd" } };
  expect(schedule(candidates, picky, undefined, search)).toEqual({ node: "host-500" });
});
