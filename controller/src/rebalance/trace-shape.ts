import { nodeMilliCpu, type SimulatedServer } from "./simulated-fleet.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;

/** Readings of virtual machines' CPU in the public Azure traces are of 5 minutes (AzurePublicDataset V1, V2). */
const readingMs = 5 * minuteMs;
/** A server's own limit, by what it asks for. */
const limitFactor = 3;

export interface TraceShape {
  nodes: number;
  /** Of each node, that is asked for; the last server that fits leaves some of it. */
  requestedShare: number;
  /** By which all use more than the published. */
  useFactor: number;
}

/**
 * A day of servers in the shape of published clusters, each property with where it is from; numbers that no source gives are ours:
 * - what is asked for is heavy-tailed (Tirmazi et al., Borg: the Next Generation, EuroSys 2020: the top 1 % of jobs take over 99 % of
 *   resources), here a Pareto distribution with the index 1.1, cut off at half a node;
 * - more than 80 % of servers use less than 70 % of what they are given, and single hosts reach 99 % (The SAP Cloud Infrastructure Dataset,
 *   arXiv 2510.23911), while a cluster is used to 20 to 40 % most of the time (Characterizing Co-located Datacenter Workloads,
 *   arXiv 1808.02919, of Google's trace of 2011);
 * - CPU of the cluster and of containers swings with the day, memory is about constant (Jiang et al., Characterizing Co-located Workloads
 *   in Alibaba Cloud Datacenters, IEEE TCC 2020, cluster-trace-v2018): here by half, most of them together, a fifth against it;
 * - host load is noisy and has bursts (Di et al., Characterization and Comparison of Cloud versus Grid Workloads, CLUSTER 2012).
 */
export function traceShapedServers(
  random: () => number,
  { nodes, requestedShare, useFactor }: TraceShape,
): SimulatedServer[] {
  const servers: SimulatedServer[] = [];
  const requested = Array.from({ length: nodes }, () => 0);
  for (let misses = 0; misses < nodes;) {
    const requestMilliCpu = paretoOf(random, { least: 100, most: nodeMilliCpu / 2, index: 1.1 });
    const node = Math.floor(random() * nodes);
    const total = (requested[node] ?? 0) + requestMilliCpu;
    if (total > nodeMilliCpu * requestedShare) {
      misses++;
      continue;
    }
    requested[node] = total;
    const demand = demandOf(random, { requestMilliCpu, useFactor });
    servers.push({ name: `server-${servers.length + 1}`, node: `host-${node + 1}`, demand, requestMilliCpu });
  }
  return servers;
}

function demandOf(
  random: () => number,
  { requestMilliCpu, useFactor }: { requestMilliCpu: number; useFactor: number },
): SimulatedServer["demand"] {
  const isModest = random() < 0.8;
  const meanMilliCpu = useFactor * requestMilliCpu * (isModest ? 0.1 + 0.6 * random() : 0.7 + 0.8 * random());
  const isOfTheNight = random() < 0.2;
  const peakMs = (isOfTheNight ? 3 * hourMs : 15 * hourMs) + (random() - 0.5) * 2 * hourMs;
  const noise = Array.from({ length: dayMs / readingMs + 1 }, () => 0.75 + 0.5 * random());
  const bursts = Array.from({ length: Math.floor(random() * 4) }, () => ({
    fromMs: random() * dayMs,
    forMs: paretoOf(random, { least: 5 * minuteMs, most: 3 * hourMs, index: 1.1 }),
    factor: 1.5 + 2.5 * random(),
  }));
  return (atMs) => {
    const swing = 1 + 0.5 * Math.cos(((atMs - peakMs) / dayMs) * 2 * Math.PI);
    const burst = bursts.find(({ fromMs, forMs }) => atMs >= fromMs && atMs < fromMs + forMs)?.factor ?? 1;
    const wanted = meanMilliCpu * swing * burst * (noise[Math.floor(atMs / readingMs)] ?? 1);
    return Math.min(wanted, limitFactor * requestMilliCpu, nodeMilliCpu);
  };
}

/** Bounded, by inversion. */
function paretoOf(
  random: () => number,
  { least, most, index }: { least: number; most: number; index: number },
): number {
  const [low, high] = [least ** index, most ** index];
  return (-(random() * (high - low) - high) / (high * low)) ** (-1 / index);
}
