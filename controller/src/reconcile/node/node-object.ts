import type { Condition, Node, NodeReport, NodeResources } from "@vfleet/shared";
import { conditionOf, formatMilliCpu, withCondition } from "@vfleet/shared";
import type { Presence } from "../../fleet/presence.ts";

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

export function nodeStatus(view: {
  node: Node;
  report: NodeReport | undefined;
  presence: Presence;
  now: string;
}): NodeStatus {
  const { node, report, presence, now } = view;
  const before = node.status ?? {};
  if (report === undefined) {
    // Nothing is known that wasn't before; silence counts from when this controller began to listen.
    return presence === "unheard"
      ? before
      : { ...before, conditions: withCondition(before.conditions, silent(presence), now) };
  }
  const { info } = report;
  const told = report.conditions.filter((condition) => condition.type !== "Ready");
  const conditions = [...told, readiness(report, presence)].reduce<Condition[]>(
    (list, condition) => withCondition(list, condition, now),
    before.conditions ?? [],
  );
  return {
    ...before,
    capacity: quantities(report.capacity),
    allocatable: quantities(report.allocatable),
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
      agentEndpoint: `${report.endpoint.host}:${report.endpoint.port}`,
      ...(before.fleet?.lastHeartbeatMs === undefined ? {} : { lastHeartbeatMs: before.fleet.lastHeartbeatMs }),
    },
  };
}

/** An agent that says it isn't ready isn't; one that says nothing about it is, as long as it is heard. */
function readiness(report: NodeReport, presence: Presence): Condition {
  if (presence === "lost") return silent(presence);
  const told = conditionOf(report.conditions, "Ready");
  if (told !== undefined && told.status !== "True") return told;
  return { type: "Ready", status: "True", reason: "AgentReady", message: told?.message ?? "The agent reports" };
}

function silent(_presence: Presence): Condition {
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
