import type { Condition, NodeReport, NodeResources, NodeTelemetry } from "@vfleet/shared";
import { formatBytesForPeople } from "@vfleet/shared";

/** Further apart, certificates and timestamps begin to mislead people; and back within the half of it. */
const skewMaxMs = 10_000;
/** Samples are not exact. */
const useSlack = 1.2;
/** A kernel's own share of memory differs from boot to boot. */
const growthSlack = 1.05;

export interface NodeDoubtsView {
  report: NodeReport;
  /** As it was first said since the node's present boot. */
  bootCapacity: NodeResources;
  /** Of what is bound there or on its way. */
  requested: Omit<NodeResources, "servers"> | undefined;
  /** The last sample. */
  used: NodeTelemetry["host"] | undefined;
  /** By how much its clock is ahead; none: not known. */
  clockOffsetMs: number | undefined;
  before: readonly Condition[];
}

/** What is odd about what a node says of itself, for people to see. */
export function nodeDoubts(view: NodeDoubtsView): Condition[] {
  const skew = clockSkew(view);
  return [credibility(view), ...(skew === undefined ? [] : [skew])];
}

/** Never more than it says that it has at all. */
export function credibleAllocatable({ capacity, allocatable }: NodeReport): NodeResources {
  const least = (name: keyof NodeResources) => Math.min(capacity[name], allocatable[name]);
  return {
    milliCpu: least("milliCpu"),
    memoryBytes: least("memoryBytes"),
    diskBytes: least("diskBytes"),
    servers: least("servers"),
  };
}

function credibility({ report, bootCapacity, requested, used }: NodeDoubtsView): Condition {
  const { capacity, allocatable } = report;
  const offered = credibleAllocatable(report);
  const doubts: [string, string][] = [];
  for (const name of ["milliCpu", "memoryBytes", "diskBytes"] as const) {
    const [what, text] = readable[name];
    if (allocatable[name] > capacity[name])
      doubts.push([
        "MoreThanCapacity",
        `${what}: ${text(allocatable[name])} allocatable of ${text(capacity[name])}, counted as ${text(capacity[name])}`,
      ]);
    if (capacity[name] > bootCapacity[name] * growthSlack)
      doubts.push(["Grown", `${what}: ${text(capacity[name])}, it was ${text(bootCapacity[name])} when it started`]);
    if ((requested?.[name] ?? 0) > offered[name])
      doubts.push([
        "BelowRequests",
        `${what}: ${text(offered[name])} allocatable, its servers ask for ${text(requested?.[name] ?? 0)}; nothing more is placed on it`,
      ]);
    if (used !== undefined && used[name] > capacity[name] * useSlack)
      doubts.push(["UsesMore", `${what}: more is in use than the ${text(capacity[name])} that it says it has`]);
  }
  const [first] = doubts;
  if (first === undefined) return { type: "CapacityCredible", status: "True", reason: "Consistent" };
  return {
    type: "CapacityCredible",
    status: "False",
    reason: first[0],
    message: doubts.map(([, message]) => message).join("; "),
  };
}

const readable: Record<"milliCpu" | "memoryBytes" | "diskBytes", [string, (value: number) => string]> = {
  milliCpu: ["CPU", (value) => `${Math.round(value / 100) / 10}`],
  memoryBytes: ["memory", formatBytesForPeople],
  diskBytes: ["disk", formatBytesForPeople],
};

function clockSkew({ clockOffsetMs, before }: NodeDoubtsView): Condition | undefined {
  if (clockOffsetMs === undefined) return undefined;
  const apartMs = Math.abs(clockOffsetMs);
  const wasSkewed = before.some(({ type, status }) => type === "ClockSkew" && status === "True");
  if (apartMs < (wasSkewed ? skewMaxMs / 2 : skewMaxMs))
    return { type: "ClockSkew", status: "False", reason: "WithinBounds" };
  const way = clockOffsetMs > 0 ? "ahead of" : "behind";
  const message = `Its clock is about ${roughly(apartMs)} ${way} the controller's; nothing is decided by it, but its logs and timestamps mislead: set up time synchronisation`;
  return { type: "ClockSkew", status: "True", reason: clockOffsetMs > 0 ? "Ahead" : "Behind", message };
}

/** Coarse, so that it isn't written anew with every sample. */
function roughly(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 10_000) * 10;
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(milliseconds / 60_000);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}
