import { afterEach, beforeEach, expect, test } from "vitest";
import type { ApiObject, Kind, NodeTelemetry, RebalancePolicy, VirtualServer } from "@vfleet/shared";
import {
  controllerConfigSchema,
  createLogger,
  drainKind,
  eventKind,
  imageKind,
  migrationKind,
  nodeKind,
  rebalancePolicyKind,
  rebalancePolicyName,
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
});
const log = createLogger("test", process.env["VFLEET_LOG_LEVEL"] ?? "fatal");

let server: TestNatsServer;
let agentConnection: NatsConnection;
let connection: NatsConnection;
let store: ObjectStore;
let control: FleetControl;
let registry: Registry;
let agents: Map<string, SimulatedAgent>;
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

async function startControl(): Promise<void> {
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

async function stopControl(): Promise<void> {
  await control.close();
  await store.close();
  await connection.close();
}

function addAgent(name: string, memoryBytes?: number): SimulatedAgent {
  const agent = new SimulatedAgent({
    name,
    connection: agentConnection,
    peers: agents,
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
  });
  agent.start();
  return agent;
}

async function until<T>(what: string, look: () => T | undefined | false, limitMs = 15_000): Promise<T> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const seen = look();
    if (seen !== undefined && seen !== false) return seen;
    if (performance.now() > deadline) {
      const state = [virtualServerKind, migrationKind, drainKind, nodeKind].flatMap((kind) =>
        store
          .list(kind as unknown as Kind)
          .items.map((item) => `${item.kind} ${item.metadata.name} ${JSON.stringify(item.status)}`),
      );
      throw new Error(`${what}: not within ${limitMs} ms\n${state.join("\n")}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function make<T extends ApiObject>(kind: Kind<T>, object: Record<string, unknown>): Promise<T> {
  return store.create(
    kind,
    kind.schema.parse({ apiVersion: kind.group === "" ? "v1" : `${kind.group}/v1`, kind: kind.kind, ...object }),
  );
}

async function makeImage(): Promise<void> {
  await make(imageKind, { metadata: { name: "debian" }, spec: { source: { debootstrap: {} } } });
  await until("image ready", () => store.get(imageKind, { name: "debian" })?.status?.phase === "Ready");
}

const key = (name: string) => ({ namespace: "default", name });
const get = (name: string): VirtualServer | undefined => store.get(virtualServerKind, key(name));
const migration = (name: string) => store.get(migrationKind, key(name));

async function makeServer(name: string, spec: Record<string, unknown> = {}): Promise<VirtualServer> {
  await make(virtualServerKind, { metadata: key(name), spec: { image: "debian", ...spec } });
  return until(`${name} running`, () => (get(name)?.status?.phase === "Running" ? get(name) : undefined));
}

/** Between all nodes: each of them has said that it is there. */
async function migrate(name: string, spec: Record<string, unknown>): Promise<void> {
  await until("nodes ready", () => [...agents.keys()].every((node) => isReady(node)));
  await make(migrationKind, { metadata: key(name), spec });
}

function isReady(node: string): boolean {
  const { conditions = [] } = store.get(nodeKind, { name: node })?.status ?? {};
  return conditions.some((condition) => condition.type === "Ready" && condition.status === "True");
}

/** At no moment did two nodes run the same server under the same epoch. */
function expectOneRunnerPerEpoch(): void {
  const all = [...agents.values()].flatMap((agent) => [...agent.ran]);
  expect(all.length).toBe(new Set(all).size);
}

test("a server waits for its image with a reason, is placed, runs, and is released when deleted", async () => {
  addAgent("host-1");
  addAgent("host-2");
  await until("nodes", () => store.list(nodeKind).items.length === 2);
  await make(virtualServerKind, { metadata: key("web"), spec: { image: "debian" } });
  await until("a reason", () => get("web")?.status?.reason === "ImageNotFound");
  await makeImage();
  const web = await until("running", () => (get("web")?.status?.phase === "Running" ? get("web") : undefined));
  expect(web.status).toMatchObject({
    epoch: 1,
    address: "10.200.0.2",
    macAddress: "02:76:0a:c8:00:02",
    idBlockStart: 1_000_000_000,
  });
  expect(web.status?.reason).toBeUndefined();
  expect(web.status?.conditions).toEqual([
    expect.objectContaining({ type: "Ready", status: "True" }),
    expect.objectContaining({ type: "Scheduled", status: "True" }),
  ]);
  await until("events", () => store.list(eventKind).items.some((event) => event.reason === "Scheduled"));

  const second = await makeServer("web-2");
  expect(second.status?.address).toBe("10.200.0.3");
  expect(second.status?.nodeName).not.toBe(web.status?.nodeName);

  await store.delete(virtualServerKind, key("web"));
  await until("gone", () => get("web") === undefined);
  expect([...agents.values()].flatMap((agent) => agent.servers.map((held) => held.name))).toEqual(["web-2"]);
});

test("a request larger than any node waits with numbers, and is placed when a node has room", async () => {
  addAgent("host-1", 2 ** 30);
  await makeImage();
  await make(virtualServerKind, {
    metadata: key("big"),
    spec: { image: "debian", resources: { requests: { memory: "4Gi" }, limits: { memory: "4Gi" } } },
  });
  const waiting = await until("a reason", () =>
    get("big")?.status?.reason === "Unschedulable" ? get("big") : undefined,
  );
  expect(waiting.status?.message).toBe(
    "0/1 nodes fit: 1 too little memory (requested 4Gi, free 1Gi); lower requests.memory",
  );
  addAgent("host-2");
  await until("running", () => get("big")?.status?.phase === "Running");
});

test("a more important server that fits nowhere gets room by moving less important ones, which run on", async () => {
  const sized = (memory: string, priority = 0) => ({
    resources: { requests: { memory }, limits: { memory } },
    priority,
  });
  addAgent("host-1", 4 * 2 ** 30);
  addAgent("host-2", 4 * 2 ** 30);
  await makeImage();
  await until("nodes", () => ["host-1", "host-2"].every((node) => isReady(node)));
  await makeServer("small", sized("1Gi"));
  await makeServer("small-2", sized("1Gi"));
  await makeServer("large", sized("4Gi", 100));
  expect([get("small"), get("small-2")].map((server) => server?.status?.phase)).toEqual(["Running", "Running"]);
  expect(new Set([get("small"), get("small-2")].map((server) => server?.status?.nodeName)).size).toBe(1);
  const moves = store.list(migrationKind).items;
  expect(moves.map(({ spec, status }) => [spec.reason, status?.phase])).toEqual([["Preemption", "Succeeded"]]);
  expectOneRunnerPerEpoch();
});

test("a move switches owner, epoch, status and every node's network map", async () => {
  for (const name of ["host-1", "host-2", "host-3"]) addAgent(name);
  await makeImage();
  const web = await makeServer("web");
  const from = web.status?.nodeName ?? "";
  const to = ["host-1", "host-2"].find((node) => node !== from) ?? "";
  await migrate("move", { server: "web", targetNode: to });
  const moved = await until("succeeded", () =>
    migration("move")?.status?.phase === "Succeeded" ? migration("move") : undefined,
  );
  expect(moved.status).toMatchObject({
    sourceNode: from,
    targetNode: to,
    mode: "StopAndCopy",
    pauseMs: 42,
    memoryBytes: 80,
    wireBytes: 50,
  });
  const after = await until("running there", () => (get("web")?.status?.phase === "Running" ? get("web") : undefined));
  expect(after.status).toMatchObject({ nodeName: to, epoch: 2, address: web.status?.address });
  await until("no move named", () => get("web")?.status?.migration === undefined);
  const peer = `10.0.0.${to.replaceAll(/\D/g, "")}`;
  for (const agent of agents.values())
    await until(`map of ${agent.name}`, () => agent.assignment?.network.servers[0]?.peerAddress === peer);
  expectOneRunnerPerEpoch();
  const metrics = await registry.metrics();
  expect(metrics).toContain('vfleet_migrations_total{mode="StopAndCopy",outcome="Succeeded",reason=""} 1');
  expect(metrics).toContain('vfleet_migration_pause_seconds_sum{mode="StopAndCopy"} 0.042');
});

test.each([
  ["whose last word was lost succeeds by what its node reports", "lost", { phase: "Succeeded" }],
  [
    "whose processes died after the commit fails, and says what became of the server",
    "died",
    {
      phase: "Failed",
      reason: "LostAfterCommit",
      message: expect.stringMatching(/^Lost after the commit: .*; the server was started again on node "host-[12]"$/),
    },
  ],
] as const)("a move %s", async (_what, lastWord, status) => {
  for (const name of ["host-1", "host-2"]) addAgent(name);
  await makeImage();
  await makeServer("web");
  for (const agent of agents.values()) agent.lastWord = lastWord;
  await migrate("move", { server: "web" });
  const ended = await until("ended", () =>
    migration("move")?.status?.endedAt === undefined ? undefined : migration("move"),
  );
  const to = ended.status?.targetNode ?? "";
  expect(ended.status).toMatchObject(status);
  await until("running there", () => get("web")?.status?.phase === "Running" && get("web")?.status?.nodeName === to);
  expectOneRunnerPerEpoch();
});

test("a cancel before the commit leaves the server where it was; the commit that comes after is refused", async () => {
  for (const name of ["host-1", "host-2"]) addAgent(name);
  await makeImage();
  const web = await makeServer("web");
  const gate = Promise.withResolvers<void>();
  for (const agent of agents.values()) agent.beforeCommit = () => gate.promise;
  await migrate("move", { server: "web" });
  await until("frozen", () => migration("move")?.status?.phase === "Freezing");
  await store.mutate(migrationKind, key("move"), (draft) => void (draft.spec.cancel = true));
  await until("cancelled", () => migration("move")?.status?.phase === "Cancelled");
  gate.resolve();
  const refused = await until("an answer", () => [...agents.values()].flatMap((agent) => agent.commits)[0]);
  expect(refused.outcome).toBe("refused");
  await until("running", () => get("web")?.status?.phase === "Running");
  expect(get("web")?.status).toMatchObject({ nodeName: web.status?.nodeName, epoch: 1 });
  expectOneRunnerPerEpoch();
});

test("a second move of the same server fails, the first goes on", async () => {
  for (const name of ["host-1", "host-2", "host-3"]) addAgent(name);
  await makeImage();
  await makeServer("web");
  const gate = Promise.withResolvers<void>();
  for (const agent of agents.values()) agent.beforeCommit = () => gate.promise;
  await migrate("first", { server: "web" });
  await until("frozen", () => migration("first")?.status?.phase === "Freezing");
  await migrate("second", { server: "web" });
  const second = await until("failed", () =>
    migration("second")?.status?.phase === "Failed" ? migration("second") : undefined,
  );
  expect(second.status).toMatchObject({ reason: "AlreadyMigrating" });
  gate.resolve();
  await until("succeeded", () => migration("first")?.status?.phase === "Succeeded");
});

test("a target that refuses to prepare fails the move with its reason; the server runs on", async () => {
  for (const name of ["host-1", "host-2"]) addAgent(name).refusePrepare = "no room on the volume";
  await makeImage();
  const web = await makeServer("web");
  await migrate("move", { server: "web" });
  const failed = await until("failed", () =>
    migration("move")?.status?.phase === "Failed" ? migration("move") : undefined,
  );
  expect(failed.status?.message).toContain("no room on the volume");
  await until("running", () => get("web")?.status?.phase === "Running");
  expect(get("web")?.status?.nodeName).toBe(web.status?.nodeName);
});

test.each(["Freezing", "Syncing", "Preparing"])(
  "a controller that starts again while a move is %s finishes it",
  async (phase) => {
    for (const name of ["host-1", "host-2"]) addAgent(name);
    await makeImage();
    await makeServer("web");
    const gate = Promise.withResolvers<void>();
    for (const agent of agents.values()) agent.beforeCommit = () => gate.promise;
    await migrate("move", { server: "web" });
    await until(
      phase,
      () => migration("move")?.status?.phase === phase || migration("move")?.status?.phase === "Freezing",
    );
    await stopControl();
    gate.resolve();
    await startControl();
    await until("succeeded", () => migration("move")?.status?.phase === "Succeeded");
    await until("running", () => get("web")?.status?.phase === "Running");
    expect(get("web")?.status?.epoch).toBe(2);
    expectOneRunnerPerEpoch();
  },
);

test("a controller and a NATS server that start again change nothing for what runs", async () => {
  addAgent("host-1");
  await makeImage();
  const web = await makeServer("web");
  await server.kill();
  await server.start();
  await stopControl();
  await startControl();
  const seen: string[] = [];
  const watch = store.watch(virtualServerKind, {}, (event) => void seen.push(event.object.status?.phase ?? ""));
  await until("heard of", () => isReady("host-1"));
  await makeServer("another");
  watch.stop();
  expect(get("web")?.status).toMatchObject({ phase: "Running", epoch: 1, address: web.status?.address });
  expect(seen).not.toContain("Unknown");
});

test("a node that falls silent is not ready and its servers are unknown, until it speaks again", async () => {
  const agent = addAgent("host-1");
  await makeImage();
  await makeServer("web");
  agent.stop();
  await until("unknown", () => get("web")?.status?.phase === "Unknown");
  expect(get("web")?.status?.reason).toBe("NodeNotReady");
  agents.set("host-1", agent);
  agent.start();
  await until("running", () => get("web")?.status?.phase === "Running");
});

test("a drain cordons, moves every server and ends; one move that fails at first is tried again", async () => {
  for (const name of ["host-1", "host-2", "host-3"]) addAgent(name);
  await makeImage();
  const servers = await Promise.all(["a", "b", "c", "d", "e", "f"].map((name) => makeServer(name)));
  const node = servers[0]?.status?.nodeName ?? "";
  const others = [...agents.values()].filter((agent) => agent.name !== node);
  let failures = 0;
  for (const agent of others) {
    agent.beforeCommit = async () => {
      if (failures++ === 0) throw new Error("a bad first try");
    };
  }
  await make(drainKind, { metadata: { name: "maintenance" }, spec: { node } });
  const drain = await until("drained", () => {
    const found = store.get(drainKind, { name: "maintenance" });
    return found?.status?.phase === "Succeeded" ? found : undefined;
  });
  expect(drain.status).toMatchObject({ total: 2, moved: 2, waiting: [] });
  expect(store.get(nodeKind, { name: node })?.spec.unschedulable).toBe(true);
  expect(store.list(virtualServerKind).items.filter((found) => found.status?.nodeName === node)).toEqual([]);
  expect(
    store
      .list(migrationKind)
      .items.map((found) => found.status?.phase ?? "")
      .toSorted((a, b) => a.localeCompare(b)),
  ).toEqual(["Failed", "Succeeded", "Succeeded"]);
  expectOneRunnerPerEpoch();
}, 30_000);

test("a drain with no room elsewhere says which servers and why, changes only the cordon, and goes on when there is room", async () => {
  addAgent("host-1", 2 * 2 ** 30);
  await makeImage();
  await makeServer("web", { resources: { requests: { memory: "1Gi" }, limits: { memory: "1Gi" } } });
  addAgent("host-2", 2 ** 29);
  await until("nodes", () => store.list(nodeKind).items.length === 2);
  await make(drainKind, { metadata: { name: "maintenance" }, spec: { node: "host-1" } });
  const blocked = await until("blocked", () => {
    const found = store.get(drainKind, { name: "maintenance" });
    return found?.status?.phase === "Blocked" ? found : undefined;
  });
  expect(blocked.status?.message).toBe(
    '"default/web": 0/2 nodes fit: 1 where it runs now, 1 too little memory (requested 1Gi, free 512Mi); lower requests.memory',
  );
  expect(blocked.status?.waiting).toHaveLength(1);
  expect(store.list(migrationKind).items).toEqual([]);
  expect(get("web")?.status?.phase).toBe("Running");
  addAgent("host-3");
  await until("drained", () => store.get(drainKind, { name: "maintenance" })?.status?.phase === "Succeeded");
  expect(get("web")?.status?.nodeName).toBe("host-3");
});

test("cancelling a drain cancels its moves and leaves the cordon", async () => {
  for (const name of ["host-1", "host-2"]) addAgent(name);
  await makeImage();
  const web = await makeServer("web");
  for (const agent of agents.values()) agent.beforeCommit = () => new Promise(() => undefined);
  const node = web.status?.nodeName ?? "";
  await make(drainKind, { metadata: { name: "maintenance" }, spec: { node } });
  await until("frozen", () => store.list(migrationKind).items[0]?.status?.phase === "Freezing");
  await store.mutate(drainKind, { name: "maintenance" }, (draft) => void (draft.spec.cancel = true));
  await until("cancelled", () => store.get(drainKind, { name: "maintenance" })?.status?.phase === "Cancelled");
  expect(store.list(migrationKind).items[0]?.status?.phase).toBe("Cancelled");
  expect(store.get(nodeKind, { name: node })?.spec.unschedulable).toBe(true);
  await until("running", () => get("web")?.status?.phase === "Running");
});

/** As a host of 4 CPUs whose kernel doesn't count pressure says it. */
function sampleOf(node: string, uses: Record<string, number>): NodeTelemetry {
  const usage = (milliCpu: number) => {
    const rest = { memoryBytes: 2 ** 24, diskBytes: 0, pids: 1, receivedBytesPerSecond: 0, sentBytesPerSecond: 0 };
    return { milliCpu, ...rest };
  };
  const used = Object.values(uses).reduce((sum, milliCpu) => sum + milliCpu, 0);
  return {
    node,
    atMs: Date.now(),
    host: { ...usage(used), pressure: {} },
    servers: Object.entries(uses).map(([name, milliCpu]) => ({
      uid: get(name)?.metadata.uid ?? "",
      ...key(name),
      usage: usage(milliCpu),
      pressure: {},
    })),
  };
}

async function askForRound(id: string, mode: "Suggest" | "On"): Promise<RebalancePolicy["status"]> {
  const place = { name: rebalancePolicyName };
  await until("a policy", () => store.get(rebalancePolicyKind, place));
  await store.mutate(rebalancePolicyKind, place, ({ spec }) => {
    Object.assign(spec, { mode: "Off", warmUpSeconds: 0, request: { id, mode } });
  });
  return until("a round", () => {
    const status = store.get(rebalancePolicyKind, place)?.status;
    return status?.answeredRequest === id ? status : undefined;
  });
}

test("a round suggests, then makes the move that relieves a node; a controller that starts again knows that it rests", async () => {
  addAgent("host-1");
  await makeImage();
  await makeServer("large");
  await makeServer("light");
  addAgent("host-2");
  await until("node ready", () => isReady("host-2"));
  const overload = { large: 2700, light: 1200 };
  samples = async () => [sampleOf("host-1", overload), sampleOf("host-2", {})];
  const [suggested] = (await askForRound("a", "Suggest"))?.nodes ?? [];
  expect(suggested?.move).toMatchObject({ server: "default/large", targetNode: "host-2" });
  expect(store.list(migrationKind).items).toEqual([]);
  expect((await askForRound("b", "On"))?.message).toBe("2 nodes measured, 1 overloaded, 1 move begun");
  await until("moved", () => get("large")?.status?.nodeName === "host-2");
  const [made] = store.list(migrationKind).items;
  expect(made?.spec).toMatchObject({ server: "large", targetNode: "host-2", reason: "Rebalance" });
  await until("ended", () => migration(made?.metadata.name ?? "")?.status?.phase === "Succeeded");
  await until("an event", () => store.list(eventKind).items.some((event) => event.reason === "Rebalance"));

  await stopControl();
  await startControl();
  await until("nodes heard", () => isReady("host-1") && isReady("host-2"));
  samples = async () => [sampleOf("host-2", { large: 3900 }), sampleOf("host-1", {})];
  const [resting] = (await askForRound("c", "On"))?.nodes ?? [];
  expect(resting?.message).toContain("a move from or to it is under way or has just ended");
  expect(store.list(migrationKind).items).toHaveLength(1);

  samples = () => Promise.reject(new Error("redis is down"));
  expect((await askForRound("d", "On"))?.message).toBe("Paused: what nodes use cannot be read: redis is down");
});
