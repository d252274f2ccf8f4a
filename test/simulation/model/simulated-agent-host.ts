import {
  type AgentConnection,
  type AgentHost,
  type AgentImages,
  type CheckpointSessions,
  Engine,
  Migrations,
  runAgent,
} from "@vfleet/node-agent/simulation";
import { agentConfigSchema } from "@vfleet/shared";
import type { BusClient } from "../kernel/message-bus.ts";
import { simulatedDisk, simulatedNetwork, simulatedRuntime, simulatedVolumes } from "./host-drivers.ts";
import type { MoveSite } from "./move-run.ts";
import { simulatedFencing } from "./simulated-fencing.ts";
import { type BridgeOptions, simulatedBridge } from "./simulated-bridge.ts";

const tls = { ca: "/unused", certificate: "/unused", key: "/unused" };
const versions = {
  criu: "4.2.1",
  runc: "1.1.5",
  kernel: "6.18",
  architecture: "x86_64",
  cgroup: "v2" as const,
  cpuFlags: [],
};
const resources = { milliCpu: 4000, memoryBytes: 2 ** 33, diskBytes: 2 ** 36, servers: 100 };
/** Cut off for longer than this, both sides of a connection know it. */
const disconnectMs = 5000;

interface AgentSurroundings extends BridgeOptions {
  hasFailover: boolean;
}

/** Starts the real agent on a simulated host. Where it can't start it is ended, as a service manager would see it. */
export async function startSimulatedAgent(site: MoveSite, bus: BusClient, bridge: AgentSurroundings): Promise<void> {
  const { host, agent } = site;
  const { environment } = agent;
  const { log } = bridge;
  const config = agentConfigSchema.parse({
    node: host.name,
    nats: { servers: ["unused"], nkeySeedFile: "/unused", tls },
    tls,
    underlay: { address: `10.0.0.${host.name.replaceAll(/\D/g, "")}`, link: "unused" },
  });
  const drivers = {
    volumes: simulatedVolumes(host, agent),
    network: simulatedNetwork(host, agent),
    runtime: simulatedRuntime(host, agent),
    disk: simulatedDisk(host, agent),
  };
  const fencing = bridge.hasFailover ? { fencing: await simulatedFencing(site, bridge) } : {};
  const agentHost: AgentHost = {
    config,
    ...fencing,
    environment,
    log,
    engine: new Engine({ config, environment, log, drivers }),
    versions: { ...versions, dirtyTracking: true },
    resources: { capacity: resources, allocatable: resources },
    bootId: `${host.name}-${host.boot}`,
    openImages: (onChange) => Promise.resolve(simulatedImages(site, onChange)),
    watchMigratability: () => ({ open: () => undefined, close: () => undefined, withSeen: (server) => server }),
    listenForPeers: () => Promise.resolve({ close: () => undefined }),
    sampleTelemetry: () => Promise.reject(new Error("no samples")),
    connect: () => Promise.resolve(connectionOf(site, bus)),
    createMigrations: (parts) =>
      new Migrations({
        ...parts,
        bridge: simulatedBridge(site, bridge),
        memoryBytes: () => Promise.resolve(undefined),
      }),
    createCheckpoints: () => noCheckpoints,
  };
  try {
    await runAgent(agentHost);
  } catch {
    agent.kill();
  }
}

function simulatedImages({ host, agent }: MoveSite, onChange: () => void): AgentImages {
  const wanted = new Map<string, string>();
  const ensure = async (name: string, digest = `sha256:${name}`) => {
    await host.work(agent, 50, () => host.images.add(digest));
    wanted.set(name, digest);
    onChange();
  };
  return {
    ensure: ({ name, digest }) => ensure(name, digest),
    reports: () => [...wanted].map(([name, digest]) => ({ name, phase: "Ready" as const, digest, sizeBytes: 1000 })),
    want: (images) => {
      for (const { name, digest } of images) if (!wanted.has(name)) void ensure(name, digest).catch(() => undefined);
    },
  };
}

function connectionOf({ host, agent }: MoveSite, bus: BusClient): AgentConnection {
  return {
    isClosed: () => !agent.isAlive,
    close: () => Promise.resolve(bus.close()),
    closed: () => new Promise(() => undefined),
    publish: (subject, text) => bus.publish(subject, text),
    request: (subject, text, options) => bus.request(subject, text, options),
    subscribe: (subject, options) => bus.subscribe(subject, options),
    status: () => lineStatus({ host, agent }, bus),
    getServer: () => "simulated",
  };
}

async function* lineStatus({ host, agent }: MoveSite, bus: BusClient): AsyncGenerator<{ type: string }> {
  let isDown = false;
  let cutMs = 0;
  for (;;) {
    await agent.environment.sleep(500);
    const isCut = bus.network.isCut(host.name, "nats") || bus.network.isCut("nats", host.name);
    cutMs = isCut ? cutMs + 500 : 0;
    if (isDown === cutMs > disconnectMs) continue;
    if (isDown && isCut) continue;
    isDown = !isDown;
    yield { type: isDown ? "disconnect" : "reconnect" };
  }
}

function unwanted(): never {
  throw new Error("no checkpoints here");
}

const noCheckpoints: CheckpointSessions = {
  recover: () => Promise.resolve(),
  requireFree: () => undefined,
  take: () => Promise.reject(new Error("no checkpoints here")),
  restore: () => Promise.reject(new Error("no checkpoints here")),
  delete: () => Promise.resolve(),
  describe: unwanted,
  reports: () => ({ checkpoints: [], restores: [] }),
  offer: unwanted,
  pull: unwanted,
  verify: () => Promise.reject(new Error("no checkpoints here")),
  send: unwanted,
  receive: () => Promise.reject(new Error("no checkpoints here")),
};
