import type { LabelSelector, Node, Taint, Toleration, VirtualServer } from "@vfleet/shared";
import { isNodeReady, parseBytes, parseMilliCpu } from "@vfleet/shared";
import type { Topology } from "./topology.ts";

/** Servers that are selected, and the label of nodes whose values are the domains that they are counted in. */
export interface Term {
  /** Equal for terms that count the same. */
  key: string;
  namespace: string;
  topologyKey: string;
  selector: LabelSelector;
}

interface SpreadTerm extends Term {
  maxSkew: number;
  /** Else it is only preferred. */
  isRequired: boolean;
}

/** What a server asks of a node. */
export interface Demand {
  namespace: string;
  labels: Readonly<Record<string, string>>;
  milliCpu: number;
  memoryBytes: number;
  diskBytes: number;
  nodeSelector: Readonly<Record<string, string>>;
  tolerations: readonly Toleration[];
  antiAffinity: readonly Term[];
  spread: readonly SpreadTerm[];
  /** Name of its image: nodes that hold it are preferred. */
  image: string;
  priority: number;
  /** Nodes that hold the checkpoint that it is to begin as. */
  checkpointNodes?: ReadonlySet<string>;
  /** Where it is bound, and counted: its own presence there is no obstacle to it. */
  boundTo?: string;
}

export interface Amounts {
  milliCpu: number;
  memoryBytes: number;
  diskBytes: number;
  servers: number;
}

/** A node as the scheduler sees it: what it offers and what is taken or promised of it. */
export interface Candidate {
  name: string;
  ready: boolean;
  cordoned: boolean;
  labels: Readonly<Record<string, string>>;
  taints: readonly Taint[];
  allocatable: Amounts;
  used: Amounts;
  /** Names of the images it holds. */
  images: ReadonlySet<string>;
  /** Used of CPU and memory as measured last, whichever share is larger, 0 to 1; none: not heard of. */
  measuredShare?: number;
  /** How many of which servers are in which domain: one for all nodes of a fleet. */
  topology: Topology;
}

export function demandOf(server: VirtualServer): Demand {
  const { placement, resources, image } = server.spec;
  const { requests } = resources;
  const namespace = server.metadata.namespace ?? "default";
  const boundTo = server.status?.nodeName;
  const term = (topologyKey: string, selector: LabelSelector): Term => ({
    key: JSON.stringify([namespace, topologyKey, selector]),
    namespace,
    topologyKey,
    selector,
  });
  return {
    namespace,
    labels: server.metadata.labels ?? {},
    milliCpu: parseMilliCpu(requests.cpu),
    memoryBytes: parseBytes(requests.memory),
    // Servers stored before there was such a request ask for nothing, and have no priority.
    diskBytes: parseBytes(requests.disk ?? "0"),
    nodeSelector: placement.nodeSelector,
    tolerations: placement.tolerations ?? [],
    antiAffinity: (placement.antiAffinity ?? []).map((wish) => term(wish.topologyKey, wish.labelSelector)),
    spread: (placement.spread ?? []).map((wish) => ({
      ...term(wish.topologyKey, wish.labelSelector),
      maxSkew: wish.maxSkew,
      isRequired: wish.whenUnsatisfiable === "DoNotSchedule",
    })),
    image,
    priority: server.spec.priority ?? 0,
    ...(boundTo === undefined ? {} : { boundTo }),
  };
}

/** What of a candidate the Node itself says. */
export function offerOf(
  node: Node,
): Pick<Candidate, "name" | "ready" | "cordoned" | "labels" | "taints" | "allocatable"> {
  const allocatable = node.status?.allocatable ?? {};
  const disk = allocatable["ephemeral-storage"];
  return {
    name: node.metadata.name,
    ready: isNodeReady(node),
    cordoned: node.spec.unschedulable === true || node.metadata.deletionTimestamp !== undefined,
    labels: node.metadata.labels ?? {},
    taints: node.spec.taints ?? [],
    allocatable: {
      milliCpu: parseMilliCpu(allocatable["cpu"] ?? "0"),
      memoryBytes: parseBytes(allocatable["memory"] ?? "0"),
      // One that doesn't say has as much as it takes.
      diskBytes: disk === undefined ? Number.POSITIVE_INFINITY : parseBytes(disk),
      servers: Number(allocatable["pods"] ?? "0"),
    },
  };
}

export function noAmounts(): Amounts {
  return { milliCpu: 0, memoryBytes: 0, diskBytes: 0, servers: 0 };
}

/** Counts a demand as placed on a candidate, or no longer: for the next one of a plan. */
export function take(candidate: Candidate | undefined, demand: Demand, times: 1 | -1 = 1): void {
  if (candidate === undefined) return;
  addAmounts(candidate.used, demand, times);
  candidate.topology.count(candidate.name, demand, times);
}

export function addAmounts(used: Amounts, demand: Demand, times: 1 | -1): void {
  used.milliCpu += times * demand.milliCpu;
  used.memoryBytes += times * demand.memoryBytes;
  used.diskBytes += times * demand.diskBytes;
  used.servers += times;
}

export function tolerates(tolerations: readonly Toleration[], taint: Taint): boolean {
  return tolerations.some(
    ({ key, operator, value, effect }) =>
      (key === undefined || key === taint.key) &&
      (effect === undefined || effect === taint.effect) &&
      (operator === "Exists" || (value ?? "") === (taint.value ?? "")),
  );
}
