import type { Image, Migration, Node, VirtualServer } from "@vfleet/shared";
import { isMigrationEnded, isNodeReady, parseBytes, parseMilliCpu } from "@vfleet/shared";

/** What a server asks of a node. */
export interface Demand {
  milliCpu: number;
  memoryBytes: number;
  nodeSelector: Record<string, string>;
  /** Name of its image: nodes that hold it are preferred. */
  image: string;
}

/** A node as the scheduler sees it: what it offers and what is taken or promised of it. */
export interface Candidate {
  name: string;
  ready: boolean;
  cordoned: boolean;
  labels: Record<string, string>;
  /** Taints that keep servers away, `key=value:effect`. */
  taints: string[];
  allocatable: { milliCpu: number; memoryBytes: number; servers: number };
  used: { milliCpu: number; memoryBytes: number; servers: number };
  /** Names of the images it holds. */
  images: ReadonlySet<string>;
}

export interface FleetSnapshot {
  nodes: readonly Node[];
  servers: readonly VirtualServer[];
  migrations: readonly Migration[];
  images: readonly Image[];
}

export function demandOf(server: VirtualServer): Demand {
  return {
    milliCpu: parseMilliCpu(server.spec.resources.requests.cpu),
    memoryBytes: parseBytes(server.spec.resources.requests.memory),
    nodeSelector: server.spec.placement.nodeSelector,
    image: server.spec.image,
  };
}

/**
 * Every node with what is bound to it and what is reserved on it: the target of a move holds the server's room from the
 * moment it is picked until the move ends. Derived from stored objects, so nothing is forgotten by a restart.
 */
export function candidatesOf(fleet: FleetSnapshot): Candidate[] {
  const holders = new Map<string, Set<string>>();
  for (const image of fleet.images) {
    for (const node of image.status?.nodes ?? []) {
      const held = holders.get(node) ?? new Set();
      holders.set(node, held.add(image.metadata.name));
    }
  }
  const candidates = new Map(
    fleet.nodes.map((node) => [node.metadata.name, candidateOf(node, holders.get(node.metadata.name))]),
  );
  const byName = new Map(
    fleet.servers.map((server) => [`${server.metadata.namespace}/${server.metadata.name}`, server]),
  );
  for (const server of fleet.servers) take(candidates.get(server.status?.nodeName ?? ""), demandOf(server));
  for (const migration of fleet.migrations) {
    const target = migration.status?.targetNode;
    const server = byName.get(`${migration.metadata.namespace}/${migration.spec.server}`);
    if (target === undefined || server === undefined || isMigrationEnded(migration)) continue;
    if (server.status?.nodeName !== target) take(candidates.get(target), demandOf(server));
  }
  return [...candidates.values()];
}

/** Counts a demand as placed on a candidate: for the next one of a plan. */
export function take(candidate: Candidate | undefined, demand: Demand): void {
  if (candidate === undefined) return;
  candidate.used.milliCpu += demand.milliCpu;
  candidate.used.memoryBytes += demand.memoryBytes;
  candidate.used.servers += 1;
}

function candidateOf(node: Node, images: ReadonlySet<string> | undefined): Candidate {
  const allocatable = node.status?.allocatable ?? {};
  return {
    name: node.metadata.name,
    ready: isNodeReady(node),
    cordoned: node.spec.unschedulable === true || node.metadata.deletionTimestamp !== undefined,
    labels: node.metadata.labels ?? {},
    taints: (node.spec.taints ?? [])
      .filter((taint) => taint.effect !== "PreferNoSchedule")
      .map((taint) => `${taint.key}${taint.value === undefined ? "" : `=${taint.value}`}:${taint.effect}`),
    allocatable: {
      milliCpu: parseMilliCpu(allocatable["cpu"] ?? "0"),
      memoryBytes: parseBytes(allocatable["memory"] ?? "0"),
      servers: Number(allocatable["pods"] ?? "0"),
    },
    used: { milliCpu: 0, memoryBytes: 0, servers: 0 },
    images: images ?? new Set(),
  };
}
