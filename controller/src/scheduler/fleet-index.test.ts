import { expect, test } from "vitest";
import type { ApiObject, Image, Migration, Node, VirtualServer } from "@vfleet/shared";
import { imageKind, isMigrationEnded, parseBytes, parseMilliCpu } from "@vfleet/shared";
import { placedStatus, sampleMigration, sampleNode, sampleServer } from "../reconcile/samples.ts";
import { FleetIndex } from "./fleet-index.ts";
import { demandOf } from "./placement.ts";

/** Small and seeded: a failing run is repeated by its seed. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

class RandomFleet {
  readonly objects = new Map<string, ApiObject>();
  readonly index = new FleetIndex();
  readonly #below: (below: number) => number;
  #generation = 0;

  constructor(seed: number) {
    this.#below = randomOf(seed);
  }

  /** One change of anything to anything. */
  step(): void {
    const object = [
      () => this.#node(),
      () => this.#server(),
      () => this.#server(),
      () => this.#migration(),
      () => this.#image(),
    ][this.#below(5)]!();
    const key = `${object.kind}/${object.metadata.name}`;
    const isKnown = this.objects.has(key);
    if (isKnown && this.#below(6) === 0) {
      this.objects.delete(key);
      this.index.apply({ type: "DELETED", object });
    } else {
      this.objects.set(key, object);
      this.index.apply({ type: isKnown ? "MODIFIED" : "ADDED", object });
    }
    if (this.#below(10) === 0) this.#assume();
  }

  of<T extends ApiObject>(kind: string): T[] {
    return [...this.objects.values()].filter((object): object is T => object.kind === kind);
  }

  #host(): string {
    return `host-${this.#below(6)}`;
  }

  #node(): Node {
    const node = sampleNode(this.#host(), {
      spec: { unschedulable: this.#below(4) === 0 },
      status: { conditions: [{ type: "Ready", status: this.#below(4) === 0 ? "False" : "True" }] },
    });
    return {
      ...node,
      metadata: { ...node.metadata, labels: this.#below(5) === 0 ? {} : { zone: `z${this.#below(3)}` } },
    };
  }

  #server(): VirtualServer {
    const labelSelector = { matchLabels: { app: `app-${this.#below(2)}` } };
    const topologyKey = this.#below(2) === 0 ? "zone" : "rack";
    return sampleServer(`vs-${this.#below(12)}`, {
      metadata: { generation: ++this.#generation, labels: { app: `app-${this.#below(2)}` } },
      spec: {
        resources: { requests: { cpu: `${1 + this.#below(9)}00m`, memory: `${1 + this.#below(9)}Mi` } },
        placement: {
          antiAffinity: this.#below(3) === 0 ? [{ labelSelector, topologyKey }] : [],
          spread: this.#below(3) === 0 ? [{ labelSelector, topologyKey: "zone" }] : [],
        },
      },
      status:
        this.#below(3) === 0
          ? {}
          : placedStatus(this.#host(), {
              address: `10.0.0.${this.#below(250)}`,
              idBlockStart: this.#below(50) * 65_536,
            }),
    });
  }

  #migration(): Migration {
    const server = `vs-${this.#below(12)}`;
    return sampleMigration(`${server}-move-${this.#below(2)}`, {
      spec: { server },
      status: { phase: this.#below(2) === 0 ? "Syncing" : "Succeeded", targetNode: this.#host() },
    });
  }

  #image(): Image {
    const image = imageKind.schema.parse({
      apiVersion: "vfleet.dev/v1",
      kind: "Image",
      metadata: { name: `image-${this.#below(3)}` },
      spec: { source: { debootstrap: {} } },
    });
    return { ...image, status: { nodes: [this.#host(), this.#host()] } };
  }

  /** Decided and given up again: nothing of it may stay. */
  #assume(): void {
    const server = `default/vs-${this.#below(12)}`;
    if (this.#below(2) === 0) {
      const end = this.index.assumeMove(server, this.#host());
      return end();
    }
    this.index.assumePlaced(server, placedStatus(this.#host(), { address: "10.0.1.1" }));
    this.index.settle(server);
  }
}

/** Where a server is counted, by looking at everything. */
function nodesOf(fleet: RandomFleet, server: VirtualServer): Set<string | undefined> {
  const moves = fleet
    .of<Migration>("Migration")
    .filter((move) => move.spec.server === server.metadata.name && !isMigrationEnded(move));
  return new Set([server.status?.nodeName, ...moves.map((move) => move.status?.targetNode)]);
}

function usedOf(fleet: RandomFleet, node: string) {
  const used = { milliCpu: 0, memoryBytes: 0, diskBytes: 0, servers: 0 };
  for (const server of fleet.of<VirtualServer>("VirtualServer")) {
    if (!nodesOf(fleet, server).has(node)) continue;
    const { requests } = server.spec.resources;
    used.milliCpu += parseMilliCpu(requests.cpu);
    used.memoryBytes += parseBytes(requests.memory);
    used.diskBytes += parseBytes(requests.disk);
    used.servers += 1;
  }
  return used;
}

function expectRight(fleet: RandomFleet): void {
  const { index } = fleet;
  const nodes = fleet.of<Node>("Node");
  const servers = fleet.of<VirtualServer>("VirtualServer");
  const names = index.candidates.map(({ name }) => name);
  expect(names.toSorted()).toEqual(nodes.map((node) => node.metadata.name).toSorted());
  for (const candidate of index.candidates) {
    expect(candidate.used).toEqual(usedOf(fleet, candidate.name));
    const held = fleet.of<Image>("Image").filter((image) => image.status?.nodes?.includes(candidate.name));
    expect([...candidate.images].toSorted()).toEqual(held.map((image) => image.metadata.name).toSorted());
  }
  const placed = servers.filter((server) => server.status?.nodeName !== undefined);
  expect(index.unplacedInOrder().length).toBe(servers.length - placed.length);
  for (const { status } of placed) expect(index.allocations.holderOf(status?.address ?? "", "nobody")).toBeDefined();
  expect(index.allocations.holderOf("10.0.1.1", "nobody")).toBeUndefined();
  expectTopology(fleet);
}

/** Selected servers per zone, those that keep others away, and the lowest of zones with a node that is open. */
function expectTopology(fleet: RandomFleet): void {
  const [first] = fleet.index.candidates;
  if (first === undefined) return;
  const { topology } = first;
  const wish = { topologyKey: "zone", labelSelector: { matchLabels: { app: "app-1" } } };
  const asking = demandOf(sampleServer("asks", { spec: { placement: { spread: [wish] } } }));
  const selected = demandOf(sampleServer("app", { metadata: { labels: { app: "app-1" } } }));
  const [term] = asking.spread;
  const counts = new Map<string, number>();
  const zones = Map.groupBy(fleet.index.candidates, ({ labels }) => labels["zone"]);
  zones.delete(undefined);
  for (const [zone, nodes] of zones) {
    const inZone = (server: VirtualServer) => nodes.filter(({ name }) => nodesOf(fleet, server).has(name)).length;
    const servers = fleet.of<VirtualServer>("VirtualServer").filter((server) => inZone(server) > 0);
    const chosen = servers.filter((server) => server.metadata.labels?.["app"] === "app-1");
    counts.set(
      zone ?? "",
      chosen.reduce((sum, server) => sum + inZone(server), 0),
    );
    expect(topology.selectedBy(term!, asking)(zone ?? "")).toBe(counts.get(zone ?? ""));
    const apart = servers.some((server) => demandOf(server).antiAffinity.some(({ key }) => key === term!.key));
    const objectors = topology.objectors(selected).filter(({ topologyKey }) => topologyKey === "zone");
    expect(objectors.some(({ isIn }) => isIn(zone ?? ""))).toBe(apart);
  }
  const open = [...zones].filter(([, nodes]) => nodes.some(({ ready, cordoned }) => ready && !cordoned));
  const lowest = Math.min(...open.map(([zone]) => counts.get(zone ?? "") ?? 0));
  expect(topology.lowest(term!, asking)).toBe(open.length === 0 ? 0 : lowest);
}

test.each(Array.from({ length: 40 }, (_, seed) => [seed]))("equals what is derived from scratch: seed %i", (seed) => {
  const fleet = new RandomFleet(seed);
  for (let step = 0; step < 150; step++) {
    fleet.step();
    if (step % 10 === 0) expectRight(fleet);
  }
  expectRight(fleet);
  expect(fleet.objects.size).toBeGreaterThan(10);
});

test("those that wait are in the order of their priority, then of their coming", () => {
  const servers = [0, 5, -1, 5].map((priority, at) => sampleServer(`vs-${at}`, { spec: { priority } }));
  const index = FleetIndex.of({ nodes: [], servers, migrations: [], images: [] });
  expect(index.unplacedInOrder()).toEqual(["default/vs-1", "default/vs-3", "default/vs-0", "default/vs-2"]);
});
