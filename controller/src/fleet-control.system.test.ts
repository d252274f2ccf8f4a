import { expect, test } from "vitest";
import type { NodeTelemetry, RebalancePolicy } from "@vfleet/shared";
import {
  eventKind,
  migrationKind,
  nodeKind,
  rebalancePolicyKind,
  rebalancePolicyName,
  virtualServerKind,
} from "@vfleet/shared";
import {
  addAgent,
  agents,
  expectOneRunnerPerEpoch,
  get,
  isReady,
  key,
  make,
  makeImage,
  makeServer,
  migrate,
  migration,
  registry,
  sampleWith,
  server,
  startControl,
  stopControl,
  store,
  until,
} from "./test-fleet.ts";

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

test("moves that should make room are cancelled before they begin once there is room elsewhere", async () => {
  const sized = (memory: string, priority = 0) => ({
    resources: { requests: { memory }, limits: { memory } },
    priority,
  });
  const hold = Promise.withResolvers<void>();
  addAgent("host-1", 3 * 2 ** 30);
  await makeImage();
  for (const name of ["a", "b", "c"]) await makeServer(name, sized("1Gi"));
  addAgent("host-2", 3 * 2 ** 30 - 1).beforeCommit = () => hold.promise;
  addAgent("host-3", 3 * 2 ** 30 - 1).beforeCommit = () => hold.promise;
  await until("nodes", () => ["host-2", "host-3"].every((node) => isReady(node)));
  await make(virtualServerKind, { metadata: key("large"), spec: { image: "debian", ...sized("3Gi", 100) } });
  // Two at a time may leave a node.
  const phases = () => store.list(migrationKind).items.map(({ status }) => status?.phase ?? "Pending");
  await until("two have begun", () => phases().filter((phase) => phase === "Freezing").length === 2);
  expect(phases().filter((phase) => phase === "Pending").length).toBe(1);
  addAgent("host-4", 4 * 2 ** 30);
  await until("placed elsewhere", () => get("large")?.status?.nodeName === "host-4");
  await until("the third is not made", () => phases().includes("Cancelled"));
  hold.resolve();
  await until("the others end", () => phases().toSorted().join() === "Cancelled,Succeeded,Succeeded");
  expect(["a", "b", "c"].filter((name) => get(name)?.status?.nodeName === "host-1").length).toBe(1);
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
    await until(`map of ${agent.name}`, () => Object.values(agent.network.map.servers)[0] === peer);
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
  sampleWith(async () => [sampleOf("host-1", overload), sampleOf("host-2", {})]);
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
  sampleWith(async () => [sampleOf("host-2", { large: 3900 }), sampleOf("host-1", {})]);
  const [resting] = (await askForRound("c", "On"))?.nodes ?? [];
  expect(resting?.message).toContain("a move from or to it is under way or has just ended");
  expect(store.list(migrationKind).items).toHaveLength(1);
  await store.delete(migrationKind, key(made?.metadata.name ?? ""));
  const [remembered] = (await askForRound("d", "On"))?.nodes ?? [];
  expect(remembered?.candidates[0]?.verdict).toContain("it moved once in 24 h and rests until");
  expect(store.list(migrationKind).items).toEqual([]);

  sampleWith(() => Promise.reject(new Error("redis is down")));
  expect((await askForRound("e", "On"))?.message).toBe("Paused: what nodes use cannot be read: redis is down");
});
