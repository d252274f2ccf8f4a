import { afterEach, beforeEach, expect } from "vitest";
import type { ApiObject, Kind, NodeTelemetry, VirtualServer } from "@vfleet/shared";
import {
  controllerConfigSchema,
  createLogger,
  drainKind,
  imageKind,
  migrationKind,
  nodeKind,
  systemEnvironment,
  virtualServerKind,
} from "@vfleet/shared";
import type { NatsConnection } from "nats";
import { Registry } from "prom-client";
import { SimulatedAgent } from "./fleet/simulated-agent.ts";
import type { FleetControl } from "./fleet-control.ts";
import { startFleetControl } from "./fleet-control.ts";
import type { ObjectStore } from "./store/object-store.ts";
import { startObjectStore } from "./store/start-object-store.ts";
import { until as untilSeen } from "./test-until.ts";
import { TestNatsServer } from "./store/test-nats-server.ts";

const tls = { ca: "/unused", certificate: "/unused", key: "/unused" };
const config = controllerConfigSchema.parse({
  listen: {},
  tls,
  agentTls: tls,
  nats: { servers: ["unused"], nkeySeedFile: "/unused", tls },
  redis: { url: "redis://unused" },
  tokensFile: "/unused",
  heartbeat: { graceMs: 1500 },
  failover: { leaseMs: 2000, graceMs: 1000 },
});
/** Silence after which a host's servers are taken over. */
export const failoverMs = config.failover.leaseMs + config.failover.graceMs;
const log = createLogger("test", process.env["VFLEET_LOG_LEVEL"] ?? "fatal");

/** A controller's whole side of a fleet, with simulated agents that speak the real protocol over a real NATS server. */
export let server: TestNatsServer;
let agentConnection: NatsConnection;
let connection: NatsConnection;
export let store: ObjectStore;
let control: FleetControl;
export let registry: Registry;
export let agents: Map<string, SimulatedAgent>;
let samples: () => Promise<NodeTelemetry[]>;

beforeEach(async () => {
  server = new TestNatsServer();
  await server.start();
  agentConnection = await server.connect();
  await startControl();
  agents = new Map();
  samples = () => Promise.resolve([]);
});

afterEach(async () => {
  for (const agent of agents.values()) agent.stop();
  await stopControl();
  await agentConnection.close();
  await server.stop();
});

export async function startControl(): Promise<void> {
  connection = await server.connect();
  store = await startObjectStore({ connection, environment: systemEnvironment, log, replicas: 1 });
  registry = new Registry();
  control = await startFleetControl({
    config,
    environment: systemEnvironment,
    log,
    connection,
    store,
    registry,
    onTelemetry: () => undefined,
    samples: () => samples(),
  });
}

export async function stopControl(): Promise<void> {
  await control.close();
  await store.close();
  await connection.close();
}

export function addAgent(name: string, memoryBytes?: number): SimulatedAgent {
  const agent = new SimulatedAgent({
    name,
    connection: agentConnection,
    peers: agents,
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
  });
  agent.start();
  return agent;
}

export function until<T>(what: string, look: () => T | undefined | false, limitMs = 15_000): Promise<T> {
  const state = () =>
    [virtualServerKind, migrationKind, drainKind, nodeKind]
      .flatMap((kind) => store.list<ApiObject>(kind as unknown as Kind).items) // as in the store: a kind's columns are never called
      .map(({ kind, metadata, status }) => `${kind} ${metadata.name} ${JSON.stringify(status)}`)
      .join("\n");
  return untilSeen(what, look, { limitMs, state });
}

export async function make<T extends ApiObject>(kind: Kind<T>, object: Record<string, unknown>): Promise<T> {
  return store.create(
    kind,
    kind.schema.parse({ apiVersion: kind.group === "" ? "v1" : `${kind.group}/v1`, kind: kind.kind, ...object }),
  );
}

export async function makeImage(): Promise<void> {
  await make(imageKind, { metadata: { name: "debian" }, spec: { source: { debootstrap: {} } } });
  await until("image ready", () => store.get(imageKind, { name: "debian" })?.status?.phase === "Ready");
}

export const key = (name: string) => ({ namespace: "default", name });
export const get = (name: string): VirtualServer | undefined => store.get(virtualServerKind, key(name));
export const migration = (name: string) => store.get(migrationKind, key(name));

export async function makeServer(name: string, spec: Record<string, unknown> = {}): Promise<VirtualServer> {
  await make(virtualServerKind, { metadata: key(name), spec: { image: "debian", ...spec } });
  return until(`${name} running`, () => (get(name)?.status?.phase === "Running" ? get(name) : undefined));
}

/** Between all nodes: each of them has said that it is there. */
export async function migrate(name: string, spec: Record<string, unknown>): Promise<void> {
  await until("nodes ready", () => [...agents.keys()].every((node) => isReady(node)));
  await make(migrationKind, { metadata: key(name), spec });
}

export function isReady(node: string): boolean {
  const { conditions = [] } = store.get(nodeKind, { name: node })?.status ?? {};
  return conditions.some((condition) => condition.type === "Ready" && condition.status === "True");
}

/** At no moment did two nodes run the same server under the same epoch. */
export function expectOneRunnerPerEpoch(): void {
  const all = [...agents.values()].flatMap((agent) => [...agent.ran]);
  expect(all.length).toBe(new Set(all).size);
}

/** What nodes are said to use. */
export function sampleWith(given: () => Promise<NodeTelemetry[]>): void {
  samples = given;
}
