import type { Condition, Node, NodeReport, NodeResources } from "@vfleet/shared";
import { conditionOf, formatMilliCpu, withCondition } from "@vfleet/shared";
import type { Presence } from "../../fleet/presence.ts";
import { credibleAllocatable, nodeDoubts, type NodeDoubtsView } from "./node-doubts.ts";

type NodeStatus = NonNullable<Node["status"]>;

/** A node that joins: its object as first written. */
export function newNode(report: NodeReport): Node {
  return { apiVersion: "v1", kind: "Node", metadata: { name: report.node, labels: nodeLabels(report) }, spec: {} };
}

/** What the agent's configuration and the host itself say; users add their own beside these. */
export function nodeLabels(report: NodeReport): Record<string, string> {
  return {
    ...report.labels,
    "kubernetes.io/hostname": report.node,
    "kubernetes.io/arch": architectureName(report.info.architecture),
    "kubernetes.io/os": "linux",
  };
}

export interface NodeView {
  node: Node;
  report: NodeReport | undefined;
  presence: Presence;
  /** Why its last report was not taken; none: it was. */
  refusal?: string | undefined;
  /** Of what is bound there or on its way. */
  requested?: NodeDoubtsView["requested"];
  /** The last sample. */
  used?: NodeDoubtsView["used"];
  clockOffsetMs?: number | undefined;
  now: string;
}

export function nodeStatus(view: NodeView): NodeStatus {
  const { node, report, presence, refusal, now } = view;
  const before = node.status ?? {};
  if (report === undefined) {
    // Nothing is known that wasn't before; silence counts from when this controller began to listen.
    return presence === "unheard"
      ? before
      : { ...before, conditions: withCondition(before.conditions, silent(refusal), now) };
  }
  const { info } = report;
  const told = report.conditions.filter((condition) => condition.type !== "Ready");
  const bootCapacity =
    before.nodeInfo?.bootID === report.bootId ? (before.fleet?.bootCapacity ?? report.capacity) : report.capacity;
  const doubts = nodeDoubts({
    report,
    bootCapacity,
    requested: view.requested,
    used: view.used,
    clockOffsetMs: view.clockOffsetMs,
    before: before.conditions ?? [],
  });
  const conditions = [...told, ...doubts, readiness(report, presence, refusal)].reduce<Condition[]>(
    (list, condition) => withCondition(list, condition, now),
    before.conditions ?? [],
  );
  return {
    ...before,
    capacity: quantities(report.capacity),
    allocatable: quantities(credibleAllocatable(report)),
    conditions,
    addresses: [
      { type: "InternalIP", address: report.underlayAddress },
      { type: "Hostname", address: report.node },
    ],
    nodeInfo: {
      machineID: info.machineId,
      systemUUID: info.machineId,
      bootID: report.bootId,
      kernelVersion: info.kernelVersion,
      osImage: info.osImage,
      containerRuntimeVersion: `runc://${info.runcVersion}`,
      kubeletVersion: `v${report.agentVersion}`,
      kubeProxyVersion: "",
      operatingSystem: "linux",
      architecture: architectureName(info.architecture),
    },
    images: report.images.flatMap((image) =>
      image.phase === "Ready" ? [{ names: [image.name], sizeBytes: image.sizeBytes ?? 0 }] : [],
    ),
    fleet: {
      agentVersion: report.agentVersion,
      criuVersion: info.criuVersion,
      runcVersion: info.runcVersion,
      dirtyTracking: info.dirtyTracking,
      bootCapacity,
      agentEndpoint: `${report.endpoint.host}:${report.endpoint.port}`,
      ...(report.lease === undefined ? {} : { lease: leaseStatus(report.lease) }),
      ...(before.fleet?.lastHeartbeatMs === undefined ? {} : { lastHeartbeatMs: before.fleet.lastHeartbeatMs }),
    },
  };
}

function leaseStatus({ lostAtMs, ...lease }: NonNullable<NodeReport["lease"]>) {
  return { ...lease, ...(lostAtMs === undefined ? {} : { lostAt: new Date(lostAtMs).toISOString() }) };
}

/** An agent that says it isn't ready isn't; one that says nothing about it is, as long as it is heard. */
function readiness(report: NodeReport, presence: Presence, refusal: string | undefined): Condition {
  if (presence === "lost") return silent(refusal);
  const told = conditionOf(report.conditions, "Ready");
  if (told !== undefined && told.status !== "True") return told;
  return { type: "Ready", status: "True", reason: "AgentReady", message: told?.message ?? "The agent reports" };
}

function silent(refusal: string | undefined): Condition {
  if (refusal !== undefined)
    return {
      type: "Ready",
      status: "Unknown",
      reason: "ReportRefused",
      message: `Its reports are refused: ${refusal}`,
    };
  return { type: "Ready", status: "Unknown", reason: "AgentSilent", message: "The agent was not heard of" };
}

function quantities(resources: NodeResources): Record<string, string> {
  return {
    cpu: formatMilliCpu(resources.milliCpu),
    memory: `${Math.floor(resources.memoryBytes / 1024)}Ki`,
    "ephemeral-storage": `${Math.floor(resources.diskBytes / 1024)}Ki`,
    pods: String(resources.servers),
  };
}

function architectureName(architecture: string): string {
  return { x86_64: "amd64", x64: "amd64", aarch64: "arm64" }[architecture] ?? architecture;
}
