import { formatBytes, formatMilliCpu } from "@vfleet/shared";
import type { Candidate, Demand } from "./placement.ts";

type RejectionReason = "not ready" | "cordoned" | "tainted" | "selector" | "excluded" | "cpu" | "memory" | "servers";

export interface Rejection {
  node: string;
  reason: RejectionReason;
  /** What was free of what was too little. */
  free?: number;
  detail?: string;
}

/** Nodes that can take it, and for each other one the first reason why not. `excluded`: nodes that are out of the question. */
export function filter(
  candidates: readonly Candidate[],
  demand: Demand,
  excluded: ReadonlyMap<string, string> = new Map(),
): { fitting: Candidate[]; rejections: Rejection[] } {
  const fitting: Candidate[] = [];
  const rejections: Rejection[] = [];
  for (const candidate of candidates) {
    const rejection = reject(candidate, demand, excluded);
    if (rejection === undefined) fitting.push(candidate);
    else rejections.push({ node: candidate.name, ...rejection });
  }
  return { fitting, rejections };
}

/** `0/3 nodes fit: 2 cordoned, 1 too little memory (requested 4Gi, free 1Gi)`. */
export function explain(rejections: readonly Rejection[], demand: Demand): string {
  if (rejections.length === 0) return "no node has joined the fleet";
  const groups = Map.groupBy(rejections, (rejection) => `${rejection.reason}${rejection.detail ?? ""}`);
  const parts = [...groups.values()]
    .toSorted((a, b) => b.length - a.length)
    .map((group) => `${group.length} ${describe(group, demand)}`);
  return `0/${rejections.length} nodes fit: ${parts.join(", ")}`;
}

function reject(
  candidate: Candidate,
  demand: Demand,
  excluded: ReadonlyMap<string, string>,
): Omit<Rejection, "node"> | undefined {
  const exclusion = excluded.get(candidate.name);
  if (exclusion !== undefined) return { reason: "excluded", detail: exclusion };
  if (!candidate.ready) return { reason: "not ready" };
  if (candidate.cordoned) return { reason: "cordoned" };
  const [taint] = candidate.taints;
  if (taint !== undefined) return { reason: "tainted", detail: taint };
  const missing = Object.entries(demand.nodeSelector).find(([key, value]) => candidate.labels[key] !== value);
  if (missing !== undefined) return { reason: "selector", detail: `${missing[0]}=${missing[1]}` };
  const { allocatable, used } = candidate;
  const freeMilliCpu = allocatable.milliCpu - used.milliCpu;
  if (freeMilliCpu < demand.milliCpu) return { reason: "cpu", free: freeMilliCpu };
  const freeMemoryBytes = allocatable.memoryBytes - used.memoryBytes;
  if (freeMemoryBytes < demand.memoryBytes) return { reason: "memory", free: freeMemoryBytes };
  if (used.servers >= allocatable.servers) return { reason: "servers", free: allocatable.servers };
  return undefined;
}

function describe(group: readonly Rejection[], demand: Demand): string {
  const first = group[0];
  const most = Math.max(0, ...group.map((rejection) => rejection.free ?? 0));
  const free = `free ${group.length > 1 ? "at most " : ""}`;
  if (first === undefined) return "";
  switch (first.reason) {
    case "cpu":
      return `too little CPU (requested ${formatMilliCpu(demand.milliCpu)}, ${free}${formatMilliCpu(most)})`;
    case "memory":
      return `too little memory (requested ${formatBytes(demand.memoryBytes)}, ${free}${formatBytes(wholeMebibytes(most))})`;
    case "servers":
      return `full (${most} servers)`;
    case "tainted":
      return `tainted (${first.detail ?? ""})`;
    case "selector":
      return `without label ${first.detail ?? ""}`;
    case "excluded":
      return first.detail ?? "excluded";
    case "cordoned":
    case "not ready":
      break;
  }
  return first.reason;
}

/** Rounded down, so that nobody is told of more room than there is, in a unit that people read. */
function wholeMebibytes(bytes: number): number {
  return bytes < 2 ** 20 ? 0 : Math.floor(bytes / 2 ** 20) * 2 ** 20;
}
