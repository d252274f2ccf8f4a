import type { Node, VirtualServer } from "@vfleet/shared";
import { parseBytes, parseMilliCpu } from "@vfleet/shared";

export const scenarioNames = ["basic", "spread", "antiAffinity", "churn"] as const;
export type ScenarioName = (typeof scenarioNames)[number];

export const zones = 10;
/** Servers of one application: those that are spread, or kept apart. */
const applicationServers = { basic: 100, churn: 100, spread: 100, antiAffinity: 20 };
const maxSkew = 1;
const hostKey = "kubernetes.io/hostname";

export function serverOf(scenario: ScenarioName, name: string, number: number): object {
  const app = `app-${Math.floor(number / applicationServers[scenario])}`;
  const labelSelector = { matchLabels: { app } };
  const placements = {
    basic: {},
    churn: {},
    spread: { spread: [{ topologyKey: "zone", maxSkew, labelSelector }] },
    antiAffinity: { antiAffinity: [{ topologyKey: hostKey, labelSelector }] },
  };
  return {
    apiVersion: "vfleet.dev/v1",
    kind: "VirtualServer",
    metadata: { name, namespace: "default", labels: { app } },
    spec: { image: "debian", placement: placements[scenario] },
  };
}

/** Throws where a server is bound twice or not at all, a node is over its room, or a rule is not kept. */
export function checkPlacements(
  scenario: ScenarioName,
  nodes: ReadonlyMap<string, Node>,
  placed: readonly { server: VirtualServer; nodes: ReadonlySet<string> }[],
): void {
  for (const { server, nodes } of placed)
    if (nodes.size !== 1) throw new Error(`"${server.metadata.name}" was bound to ${nodes.size} nodes`);
  const servers = placed.map(({ server }) => server);
  for (const member of ["address", "idBlockStart"] as const) {
    const values = new Set(servers.map(({ status }) => status?.[member]));
    if (values.size !== servers.length) throw new Error(`two servers have the same ${member}`);
  }
  for (const [name, here] of Map.groupBy(servers, ({ status }) => status?.nodeName ?? ""))
    checkNode(nodes.get(name), name, here);
  for (const [app, members] of Map.groupBy(servers, ({ metadata }) => metadata.labels?.["app"] ?? "")) {
    if (scenario === "antiAffinity") checkApart(app, members);
    if (scenario === "spread") checkSpread(app, members, nodes);
  }
}

function checkNode(node: Node | undefined, name: string, servers: readonly VirtualServer[]): void {
  const { cpu = "0", memory = "0", pods = "0" } = node?.status?.allocatable ?? {};
  const sum = (amount: (server: VirtualServer) => number) =>
    servers.reduce((total, server) => total + amount(server), 0);
  const milliCpu = sum(({ spec }) => parseMilliCpu(spec.resources.requests.cpu));
  const bytes = sum(({ spec }) => parseBytes(spec.resources.requests.memory));
  if (milliCpu > parseMilliCpu(cpu) || bytes > parseBytes(memory) || servers.length > Number(pods))
    throw new Error(`node "${name}" is over its room: ${servers.length} servers, ${milliCpu}m, ${bytes} bytes`);
}

function checkApart(app: string, members: readonly VirtualServer[]): void {
  const hosts = new Set(members.map(({ status }) => status?.nodeName));
  if (hosts.size !== members.length) throw new Error(`two of "${app}" are on one node`);
}

function checkSpread(app: string, members: readonly VirtualServer[], nodes: ReadonlyMap<string, Node>): void {
  const zoneOf = (node: string | undefined) => nodes.get(node ?? "")?.metadata.labels?.["zone"];
  const all = new Set([...nodes.keys()].map(zoneOf));
  const counts = [...all].map((zone) => members.filter(({ status }) => zoneOf(status?.nodeName) === zone).length);
  if (Math.max(...counts) - Math.min(...counts) > maxSkew)
    throw new Error(`"${app}" is spread unevenly over zones: ${counts.join(", ")}`);
}
