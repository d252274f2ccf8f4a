import { beforeEach, expect, test } from "vitest";
import type { Checkpoint, CheckpointSchedule, Restore } from "@vfleet/shared";
import {
  checkpointKind,
  checkpointScheduleKind,
  eventKind,
  nodeKind,
  restoreKind,
  virtualServerKind,
} from "@vfleet/shared";
import type { SimulatedAgent } from "./fleet/simulated-agent.ts";
import { addAgent, key, make, makeImage, makeServer, startControl, stopControl, store, until } from "./test-fleet.ts";

let agent: SimulatedAgent;
beforeEach(async () => {
  agent = addAgent("host-1");
  await until("the node", () => store.list(nodeKind).items.length === 1);
  await makeImage();
  await makeServer("web");
});

const checkpoint = (name: string): Checkpoint | undefined => store.get(checkpointKind, key(name));
const restore = (name: string): Restore | undefined => store.get(restoreKind, key(name));
const reasons = () => store.list(eventKind).items.map(({ reason }) => reason);

async function take(name: string, phase: string): Promise<Checkpoint> {
  await make(checkpointKind, { metadata: key(name), spec: { server: "web" } });
  return until(`it to be ${phase}`, () => (checkpoint(name)?.status?.phase === phase ? checkpoint(name) : undefined));
}

async function restored(name: string, spec: object): Promise<Restore["status"]> {
  await make(restoreKind, { metadata: key(name), spec });
  return until("its end", () =>
    ["Succeeded", "Failed"].includes(restore(name)?.status?.phase ?? "") ? restore(name)?.status : undefined,
  );
}

test("a checkpoint is taken where its server is, and its deletion takes it from there", async () => {
  const { status } = await take("first", "Ready");
  expect(status).toMatchObject({ node: "host-1", pauseMs: 120, memoryBytes: 2 ** 26, storedBytes: 2 ** 24 });
  expect(agent.checkpoints.reports().checkpoints).toHaveLength(1);
  await store.delete(checkpointKind, key("first"));
  await until("it to be gone", () => checkpoint("first") === undefined);
  expect(agent.checkpoints.reports().checkpoints).toEqual([]);
  await until("events", () => reasons().includes("Taking") && reasons().includes("Ready"));
});

test("a checkpoint that can't be taken says why, and is deleted all the same", async () => {
  agent.checkpoints.failure = "it uses io_uring";
  const { status } = await take("first", "Failed");
  expect(status).toMatchObject({ reason: "NotTaken", message: "it uses io_uring" });
  await store.delete(checkpointKind, key("first"));
  await until("it to be gone", () => checkpoint("first") === undefined);
});

test("a command that nobody heard is given again, also by the next controller", async () => {
  agent.checkpoints.isDeaf = true;
  await take("first", "Taking");
  await stopControl();
  agent.checkpoints.isDeaf = false;
  await startControl();
  await until("it to be ready", () => checkpoint("first")?.status?.phase === "Ready");
  expect(agent.checkpoints.reports().checkpoints).toHaveLength(1);
});

test("a restore over a running server needs leave, and is told once", async () => {
  await take("first", "Ready");
  expect(await restored("no", { checkpoint: "first" })).toMatchObject({
    phase: "Failed",
    message: expect.stringContaining("spec.replace") as unknown,
  });
  expect(await restored("yes", { checkpoint: "first", replace: true })).toMatchObject({
    phase: "Succeeded",
    node: "host-1",
    pauseMs: 300,
  });
  expect(await restored("none", { checkpoint: "other" })).toMatchObject({ phase: "Failed" });
  expect(agent.checkpoints.reports().restores).toHaveLength(1);
  await until("events", () => reasons().includes("RestoreSucceeded"));
});

test("a second copy is made elsewhere, and deleted with the first", async () => {
  const [second] = [addAgent("host-2"), addAgent("host-3")];
  await until("the nodes", () => store.list(nodeKind).items.length === 3);
  await make(checkpointKind, { metadata: key("first"), spec: { server: "web", copies: 2 } });
  const copies = () => (checkpoint("first")?.status?.copies ?? []).map(({ node }) => node);
  await until("its copy", () => copies().length === 2);
  const holders = () => [agent, second].filter((one) => (one?.checkpoints.reports().checkpoints.length ?? 0) > 0);
  expect(holders()).toHaveLength(2);
  await store.delete(checkpointKind, key("first"));
  await until("it to be gone", () => checkpoint("first") === undefined);
  expect(holders()).toEqual([]);
});

test("a new server begins as a checkpoint, where it is asked to be, and is one like any other then", async () => {
  const other = addAgent("host-2");
  await until("the node", () => store.list(nodeKind).items.length === 2);
  await take("first", "Ready");
  const spec = { checkpoint: "first", target: { server: "web-2" }, node: "host-2" };
  expect(await restored("elsewhere", spec)).toMatchObject({ phase: "Succeeded", node: "host-2" });
  const server = await until("it to be settled", () => {
    const found = store.get(virtualServerKind, key("web-2"));
    return Object.keys(found?.metadata.annotations ?? {}).length === 0 ? found : undefined;
  });
  expect(server.spec).toMatchObject({ image: "debian", hostname: "web", runStrategy: "Running" });
  const web = store.get(virtualServerKind, key("web"));
  expect(server.status?.address).not.toBe(web?.status?.address);
  await until("the copy that came with it to go", () => other.checkpoints.reports().checkpoints.length === 0);
  expect(await restored("again", spec)).toMatchObject({
    phase: "Failed",
    message: expect.stringContaining("names a new one") as unknown,
  });
  expect(store.get(virtualServerKind, key("web-2"))?.metadata.uid).toBe(server.metadata.uid);
});

test("a schedule makes up the last time that was missed, says when the next comes, and keeps what it is to keep", async () => {
  const place = key("often");
  const schedule = (): CheckpointSchedule | undefined => store.get(checkpointScheduleKind, place);
  const spec = { server: "web", schedule: "@hourly", copies: 2, retention: { keepLast: 1 } };
  await make(checkpointScheduleKind, { metadata: place, spec });
  await until("its next time", () => schedule()?.status?.nextScheduleTime);
  expect(store.list(checkpointKind).items).toEqual([]);
  const miss = (lastScheduleTime: string) =>
    store.mutate(checkpointScheduleKind, place, (draft) => void (draft.status = { lastScheduleTime }), {
      scope: "status",
    });
  await miss("2026-01-01T00:00:00Z");
  await until("it to be ready", () => schedule()?.status?.ready === 1);
  const [first] = store.list(checkpointKind).items;
  expect(first?.metadata.ownerReferences?.[0]?.uid).toBe(schedule()?.metadata.uid);
  expect(first?.spec.copies).toBe(2);
  const owner = first?.metadata.ownerReferences ?? [];
  await make(checkpointKind, { metadata: { ...key("more"), ownerReferences: owner }, spec: { server: "web" } });
  await until("the older one to go", () => store.get(checkpointKind, first?.metadata ?? place) === undefined);
  expect(store.list(checkpointKind).items.map(({ metadata }) => metadata.name)).toEqual(["more"]);
});
