import type { Candidate, Demand } from "./placement.ts";

/** Spreading by number of servers outweighs having the image, so that a new fleet's first image doesn't gather everything. */
const weights = { servers: 15, image: 10 };

/** The best of nodes that all fit: most room left by requests, fewest servers, image at hand; then by name. */
export function best(fitting: readonly Candidate[], demand: Demand): Candidate | undefined {
  const mostServers = Math.max(1, ...fitting.map((candidate) => candidate.used.servers));
  return fitting
    .map((candidate) => ({ candidate, score: score(candidate, demand, mostServers) }))
    .toSorted((a, b) => b.score - a.score || a.candidate.name.localeCompare(b.candidate.name))[0]?.candidate;
}

function score(candidate: Candidate, demand: Demand, mostServers: number): number {
  const { allocatable, used } = candidate;
  const cpuLeft = 1 - (used.milliCpu + demand.milliCpu) / Math.max(1, allocatable.milliCpu);
  const memoryLeft = 1 - (used.memoryBytes + demand.memoryBytes) / Math.max(1, allocatable.memoryBytes);
  return (
    50 * (cpuLeft + memoryLeft) -
    weights.servers * (used.servers / mostServers) +
    (candidate.images.has(demand.image) ? weights.image : 0)
  );
}
