import type { Node, NodeTelemetry, Pressure, RebalanceResource, VirtualServer } from "@vfleet/shared";
import { parseBytes, parseMilliCpu } from "@vfleet/shared";

export type Readings = Record<"cpu" | "memory", number> & { io?: number };

/** What one server adds to a node, in the node's own units. */
export interface ServerLoad {
  server: VirtualServer;
  milliCpu: number;
  memoryBytes: number;
  /** Its part of its node's waiting for disks; none: not counted. */
  ioPercent?: number;
  /** That a move would send. */
  bytes: number;
}

export interface NodeLoad {
  name: string;
  sampledAtMs: number;
  allocatable: { milliCpu: number; memoryBytes: number };
  /** Wanted, in per cent of what is allocatable; of io the pressure. */
  load: Readings;
  /** Used, in per cent of what is allocatable. */
  usePercent: { cpu: number; memory: number };
  pressurePercent: Partial<Record<RebalanceResource, number>>;
  /** Of it, what servers wait for each other; none: not known. */
  cpuContentionPercent?: number;
  /** By uid; those that were measured. */
  servers: ReadonlyMap<string, ServerLoad>;
}

/** Of the average that isn't longer than a round. */
type PressureWindow = "avg10Percent" | "avg60Percent";

export interface LoadView {
  node: Node;
  sample: NodeTelemetry;
  /** That run on it. */
  servers: readonly VirtualServer[];
  window: PressureWindow;
}

/** Waiting says that more was wanted, not how much: at most so many times what was used. */
const demandFactorMax = 4;
/** Of a node whose servers aren't counted singly. */
const sharedDemandFactorMax = 2;
const saturatedPercent = 90;
/** Samples are not exact. */
const atLimitShare = 0.9;

/** What a node and its servers want; none where it says nothing useful of what it has. */
export function nodeLoad({ node, sample, servers, window }: LoadView): NodeLoad | undefined {
  const allocatable = {
    milliCpu: parseMilliCpu(node.status?.allocatable?.["cpu"] ?? "0"),
    memoryBytes: parseBytes(node.status?.allocatable?.["memory"] ?? "0"),
  };
  if (allocatable.milliCpu <= 0 || allocatable.memoryBytes <= 0) return undefined;
  const pressurePercent = percentages(sample.host.pressure, window);
  const usePercent = {
    cpu: percentOf(sample.host.milliCpu, allocatable.milliCpu),
    memory: percentOf(sample.host.memoryBytes, allocatable.memoryBytes),
  };
  const samples = new Map(sample.servers.map((entry) => [entry.uid, entry]));
  const measured = servers.flatMap((server) => {
    const found = samples.get(server.metadata.uid ?? "");
    return found === undefined ? [] : [{ server, ...found, stalls: percentages(found.pressure, window) }];
  });
  const sharedFactor = usePercent.cpu < saturatedPercent ? 1 : factorOf(pressurePercent.cpu, sharedDemandFactorMax);
  const ioStalls = measured.reduce((sum, { stalls }) => sum + (stalls.io ?? 0), 0);
  const loads = measured.map(({ server, usage, stalls }): ServerLoad => {
    const factor = stalls.cpu === undefined ? sharedFactor : factorOf(stalls.cpu, demandFactorMax);
    const isIoCounted = pressurePercent.io !== undefined && stalls.io !== undefined;
    return {
      server,
      milliCpu: Math.max(usage.milliCpu, Math.min(usage.milliCpu * factor, cpuLimitOf(server), allocatable.milliCpu)),
      memoryBytes: usage.memoryBytes,
      bytes: usage.memoryBytes + usage.diskBytes,
      ...(isIoCounted
        ? { ioPercent: ioStalls === 0 ? 0 : (pressurePercent.io ?? 0) * ((stalls.io ?? 0) / ioStalls) }
        : {}),
    };
  });
  const cpuContentionPercent = contention(pressurePercent.cpu, measured);
  const beside = Math.max(0, sample.host.milliCpu - measured.reduce((sum, { usage }) => sum + usage.milliCpu, 0));
  const wantedMilliCpu = loads.reduce((sum, { milliCpu }) => sum + milliCpu, beside);
  return {
    name: node.metadata.name,
    sampledAtMs: sample.atMs,
    allocatable,
    load: {
      cpu: percentOf(wantedMilliCpu, allocatable.milliCpu),
      memory: usePercent.memory,
      ...(pressurePercent.io === undefined ? {} : { io: pressurePercent.io }),
    },
    usePercent,
    pressurePercent,
    ...(cpuContentionPercent === undefined ? {} : { cpuContentionPercent }),
    servers: new Map(loads.map((load) => [load.server.metadata.uid ?? "", load])),
  };
}

/** What a server would add to a node, or takes away from its own, in per cent. */
export function shareOn({ allocatable }: Pick<NodeLoad, "allocatable">, server: ServerLoad): Required<Readings> {
  return {
    cpu: percentOf(server.milliCpu, allocatable.milliCpu),
    memory: percentOf(server.memoryBytes, allocatable.memoryBytes),
    io: server.ioPercent ?? 0,
  };
}

interface Measured {
  server: VirtualServer;
  usage: { milliCpu: number };
  stalls: NodeLoad["pressurePercent"];
}

/** The kernel counts who is held back by a limit of its own as waiting, too: that is nobody else's doing. */
function contention(nodePercent: number | undefined, servers: readonly Measured[]): number | undefined {
  const others = servers.filter(({ server, usage }) => usage.milliCpu < cpuLimitOf(server) * atLimitShare);
  if (others.length === servers.length || nodePercent === undefined) return nodePercent;
  if (others.some(({ stalls }) => stalls.cpu === undefined)) return undefined;
  return Math.min(nodePercent, Math.max(0, ...others.map(({ stalls }) => stalls.cpu ?? 0)));
}

function percentages(pressure: Pressure, window: PressureWindow): NodeLoad["pressurePercent"] {
  const { cpu, memory, io } = pressure;
  return {
    ...(cpu === undefined ? {} : { cpu: cpu.some[window] }),
    ...(memory === undefined ? {} : { memory: memory.some[window] }),
    ...(io === undefined ? {} : { io: io.some[window] }),
  };
}

function factorOf(stallPercent = 0, most: number): number {
  return Math.min(most, 1 / Math.max(0.01, 1 - stallPercent / 100));
}

function cpuLimitOf(server: VirtualServer): number {
  const { cpu } = server.spec.resources.limits;
  return cpu === undefined ? Number.POSITIVE_INFINITY : parseMilliCpu(cpu);
}

function percentOf(part: number, whole: number): number {
  return (part / whole) * 100;
}
