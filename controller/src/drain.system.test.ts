import { expect, test } from "vitest";
import {
  disruptionBudgetKind,
  drainKind,
  isNodeReady,
  migrationKind,
  nodeKind,
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
  migration,
  startControl,
  stopControl,
  store,
  until,
} from "./test-fleet.ts";

test("a drain cordons, moves every server and ends; one move that fails at first is tried again", async () => {
  for (const name of ["host-1", "host-2", "host-3"]) addAgent(name);
  await makeImage();
  await until("nodes", () => store.list(nodeKind).items.filter(isNodeReady).length === 3);
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

const everyone = { selector: {}, maxUnavailable: 1 };
const drained = (name: string) => store.get(drainKind, { name })?.status;
const placesOf = (names: readonly string[]) => names.map((name) => get(name)?.status?.nodeName);

test("a drain goes on where it was when the controller starts again, one move at a time where a budget says so", async () => {
  for (const name of ["host-1", "host-2"]) addAgent(name);
  await makeImage();
  await make(disruptionBudgetKind, { metadata: key("all"), spec: everyone });
  await until("nodes", () => isReady("host-1") && isReady("host-2"));
  await store.mutate(nodeKind, { name: "host-2" }, (draft) => void (draft.spec.unschedulable = true));
  for (const name of ["a", "b", "c"]) await makeServer(name);
  await until("a budget that is counted", () => store.get(disruptionBudgetKind, key("all"))?.status?.servers === 3);
  await store.mutate(nodeKind, { name: "host-2" }, (draft) => void delete draft.spec.unschedulable);
  let mostAtOnce = 0;
  const watch = store.watch(migrationKind, {}, () => {
    const open = store.list(migrationKind).items.filter((move) => move.status?.endedAt === undefined);
    mostAtOnce = Math.max(mostAtOnce, open.length);
  });
  await make(drainKind, { metadata: { name: "maintenance" }, spec: { node: "host-1", maxParallel: 8 } });
  await until("one to be moved", () => (drained("maintenance")?.moved ?? 0) > 0);
  watch.stop();
  const { startedAt } = drained("maintenance") ?? {};
  await stopControl();
  await startControl();
  await until("drained", () => drained("maintenance")?.phase === "Succeeded");
  expect(drained("maintenance")).toMatchObject({ total: 3, moved: 3, startedAt });
  expect(mostAtOnce).toBe(1);
  expectOneRunnerPerEpoch();
}, 30_000);

test("what a drain moved and stopped is planned, done, and brought back, and nothing else is", async () => {
  const source = addAgent("host-1");
  await makeImage();
  const names = ["plain", "held", "stranger"];
  for (const name of names) await makeServer(name);
  addAgent("host-2");
  await until("nodes", () => isReady("host-2"));
  await make(migrationKind, { metadata: key("earlier"), spec: { server: "stranger", targetNode: "host-2" } });
  await until("moved", () => migration("earlier")?.status?.phase === "Succeeded");
  source.undumpable.add("held");
  await until("seen", () => get("held")?.status?.conditions?.some(({ type }) => type === "Migratable"));

  const spec = { node: "host-1", fallback: "stop" };
  await make(drainKind, { metadata: { name: "plan" }, spec: { ...spec, dryRun: true } });
  await until("planned", () => drained("plan")?.phase === "Planned");
  expect(drained("plan")?.plan?.servers).toMatchObject([
    { server: "default/held", action: "Stop", fallback: "stop" },
    { server: "default/plain", action: "Move", targetNode: "host-2", mode: "StopAndCopy" },
  ]);
  expect(placesOf(names)).toEqual(["host-1", "host-1", "host-2"]);
  expect(store.get(nodeKind, { name: "host-1" })?.spec.unschedulable).toBeUndefined();

  await make(drainKind, { metadata: { name: "away" }, spec });
  await until("drained", () => drained("away")?.phase === "Succeeded");
  expect(drained("away")).toMatchObject({ total: 2, moved: 1, stopped: ["default/held"] });
  expect(get("held")).toMatchObject({ spec: { runStrategy: "Stopped" }, status: { phase: "Stopped" } });
  expect(placesOf(names)).toEqual(["host-2", "host-1", "host-2"]);

  source.undumpable.clear();
  await make(drainKind, { metadata: { name: "return" }, spec: { node: "host-1", bringBack: true, dryRun: true } });
  await until("planned", () => drained("return")?.phase === "Planned");
  expect(drained("return")?.plan?.servers).toMatchObject([
    { server: "default/held", action: "Start" },
    { server: "default/plain", action: "Move", targetNode: "host-1" },
  ]);
  expect(drained("return")?.message).toBe("Would move 1, start 1, and wait for 0 of 2 servers; nothing was changed");
  expect(placesOf(names)).toEqual(["host-2", "host-1", "host-2"]);
  expect(store.get(nodeKind, { name: "host-1" })?.spec.unschedulable).toBe(true);

  // As if whoever asked for it had been interrupted, and ten minutes had passed.
  const status = { ...drained("return"), endedAt: new Date(Date.now() - 600_000).toISOString() };
  await store.mutate(drainKind, { name: "return" }, (draft) => void (draft.status = status), { scope: "status" });
  await until("the plan to be swept", () => store.get(drainKind, { name: "return" }) === undefined);
  expect(drained("plan")?.phase).toBe("Planned");

  await make(drainKind, { metadata: { name: "back" }, spec: { node: "host-1", bringBack: true } });
  await until("brought back", () => drained("back")?.phase === "Succeeded");
  expect(drained("back")).toMatchObject({ total: 1, moved: 1, started: ["default/held"] });
  expect(placesOf(names)).toEqual(["host-1", "host-1", "host-2"]);
  await until("started", () => get("held")?.status?.phase === "Running");
  expect(store.get(nodeKind, { name: "host-1" })?.spec.unschedulable).toBeUndefined();
  expectOneRunnerPerEpoch();
}, 30_000);

test("a drain whose deadline passes fails with what is left, and what runs is left in peace", async () => {
  for (const name of ["host-1", "host-2"]) addAgent(name);
  await makeImage();
  const web = await makeServer("web");
  const node = web.status?.nodeName ?? "";
  for (const agent of agents.values()) agent.refusePrepare = "no room for guests";
  await make(drainKind, { metadata: { name: "maintenance" }, spec: { node, deadlineSeconds: 1 } });
  await until("failed", () => drained("maintenance")?.phase === "Failed");
  expect(drained("maintenance")).toMatchObject({
    reason: "DeadlineExceeded",
    waiting: [{ server: "default/web", reason: expect.stringContaining("no room for guests") }],
  });
  expect(get("web")?.status).toMatchObject({ nodeName: node, epoch: 1, phase: "Running" });
});
