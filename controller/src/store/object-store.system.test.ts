import {
  createLogger,
  namespaceKind,
  nodeKind,
  systemEnvironment,
  virtualServerKind,
  virtualServerSchema,
  type Namespace,
  type VirtualServer,
} from "@vfleet/shared";
import type { NatsConnection } from "nats";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ObjectStore, StoreEvent } from "./object-store.ts";
import { startObjectStore } from "./start-object-store.ts";
import { TestNatsServer } from "./test-nats-server.ts";

const nats = new TestNatsServer();
const connections: NatsConnection[] = [];
let store: ObjectStore;

async function openStore(): Promise<ObjectStore> {
  const connection = await nats.connect();
  connections.push(connection);
  return startObjectStore({
    connection,
    environment: systemEnvironment,
    log: createLogger("test", "silent"),
    replicas: 1,
  });
}

function server(name: string, labels: Record<string, string> = {}): VirtualServer {
  return virtualServerSchema.parse({
    apiVersion: "vfleet.dev/v1",
    kind: "VirtualServer",
    metadata: { name, namespace: "default", labels },
    spec: { image: "debian-12" },
  });
}

beforeAll(async () => {
  await nats.start();
  store = await openStore();
});

afterAll(async () => {
  for (const connection of connections) await connection.close();
  await nats.stop();
});

describe("object store", () => {
  test("fills what the server owns, and reads what it wrote", async () => {
    const created = await store.create(virtualServerKind, server("web"));
    expect(created.metadata).toMatchObject({
      name: "web",
      generation: 1,
      uid: expect.any(String),
      creationTimestamp: expect.any(String),
    });
    expect(store.get(virtualServerKind, { namespace: "default", name: "web" })).toEqual(created);
    await expect(store.create(virtualServerKind, server("web"))).rejects.toMatchObject({ code: "already-exists" });
  });

  test("compares and sets, and counts generations of spec only", async () => {
    const first = await store.create(virtualServerKind, server("counted"));
    const labelled = await store.update(virtualServerKind, {
      ...first,
      metadata: { ...first.metadata, labels: { a: "b" } },
    });
    expect(labelled.metadata.generation).toBe(1);
    await expect(
      store.update(virtualServerKind, { ...first, spec: { ...first.spec, runStrategy: "Stopped" } }),
    ).rejects.toMatchObject({ code: "conflict" });
    const stopped = await store.update(virtualServerKind, {
      ...labelled,
      spec: { ...first.spec, runStrategy: "Stopped" },
    });
    expect(stopped.metadata.generation).toBe(2);
    const same = await store.update(virtualServerKind, structuredClone(stopped));
    expect(same.metadata.resourceVersion).toBe(stopped.metadata.resourceVersion);
  });

  test("keeps spec and status apart where asked to", async () => {
    const first = await store.create(virtualServerKind, server("parts"));
    const both: VirtualServer = {
      ...first,
      spec: { ...first.spec, runStrategy: "Stopped" },
      status: { phase: "Running" },
    };
    const main = await store.update(virtualServerKind, both, { scope: "main" });
    expect(main.status).toBeUndefined();
    const status = await store.update(
      virtualServerKind,
      { ...first, metadata: main.metadata, status: { phase: "Running" } },
      { scope: "status" },
    );
    expect([status.spec.runStrategy, status.status?.phase, status.metadata.generation]).toEqual([
      "Stopped",
      "Running",
      2,
    ]);
  });

  test("loses no increment among writers in two processes", async () => {
    const other = await openStore();
    await store.create(virtualServerKind, server("contended"));
    const key = { namespace: "default", name: "contended" };
    const increment = (through: ObjectStore) =>
      through.mutate(
        virtualServerKind,
        key,
        (draft) => void (draft.status = { ...draft.status, restarts: (draft.status?.restarts ?? 0) + 1 }),
      );
    await expect.poll(() => other.get(virtualServerKind, key)).toBeDefined();
    await Promise.all(Array.from({ length: 40 }, (_, index) => increment(index % 2 === 0 ? store : other)));
    await expect.poll(() => store.read(virtualServerKind, key).status?.restarts).toBe(40);
    await other.close();
  });

  test("holds an object until its last finalizer goes", async () => {
    const made = server("held");
    made.metadata.finalizers = ["vfleet.dev/a"];
    await store.create(virtualServerKind, made);
    const key = { namespace: "default", name: "held" };
    const events: StoreEvent<VirtualServer>[] = [];
    const watch = store.watch(virtualServerKind, { resourceVersion: store.resourceVersion }, (event) =>
      events.push(event),
    );
    const marked = await store.delete(virtualServerKind, key);
    expect(marked.metadata.deletionTimestamp).toBeDefined();
    await expect(
      store.mutate(virtualServerKind, key, (draft) => void draft.metadata.finalizers?.push("vfleet.dev/b")),
    ).rejects.toMatchObject({ code: "invalid" });
    await store.mutate(virtualServerKind, key, (draft) => void (draft.metadata.finalizers = []));
    expect(store.get(virtualServerKind, key)).toBeUndefined();
    expect(events.map((event) => event.type)).toEqual(["MODIFIED", "DELETED"]);
    expect(Number(events[1]?.object.metadata.resourceVersion)).toBeGreaterThan(Number(marked.metadata.resourceVersion));
    watch.stop();
    await expect(store.create(virtualServerKind, server("held"))).resolves.toMatchObject({
      metadata: { generation: 1 },
    });
  });

  test("refuses a deletion whose precondition fails", async () => {
    await store.create(virtualServerKind, server("guarded"));
    await expect(
      store.delete(virtualServerKind, { namespace: "default", name: "guarded" }, { uid: "another" }),
    ).rejects.toMatchObject({ code: "conflict" });
  });

  test("shows a paged list of one version, whatever happens between the pages", async () => {
    for (const name of ["page-a", "page-b", "page-c", "page-d"])
      await store.create(virtualServerKind, server(name, { page: "yes" }));
    const first = store.list(virtualServerKind, { labelSelector: "page=yes", limit: 2 });
    await store.delete(virtualServerKind, { namespace: "default", name: "page-c" });
    await store.create(virtualServerKind, server("page-e", { page: "yes" }));
    const second = store.list(virtualServerKind, { labelSelector: "page=yes", limit: 2, continue: first.continue });
    expect([...first.items, ...second.items].map((item) => item.metadata.name)).toEqual([
      "page-a",
      "page-b",
      "page-c",
      "page-d",
    ]);
    expect(second.continue).toBeUndefined();
  });

  test("gives a second reader the same state, and says when a version is too old", async () => {
    const early = store.resourceVersion;
    await store.create(nodeKind, { apiVersion: "v1", kind: "Node", metadata: { name: "host-1.example" }, spec: {} });
    const other = await openStore();
    expect(other.list(virtualServerKind).items).toEqual(store.list(virtualServerKind).items);
    expect(other.get(nodeKind, { name: "host-1.example" })).toBeDefined();
    expect(() => other.watch(undefined, { resourceVersion: early }, () => {})).toThrow(
      expect.objectContaining({ code: "expired" }),
    );
    expect(() => store.watch(undefined, { resourceVersion: early }, () => {}).stop()).not.toThrow();
    await other.close();
  });

  test("refuses what does not fit into one record, and writes nothing on a dry run", async () => {
    const large = server("large");
    large.metadata.annotations = { a: "x".repeat(1_100_000) };
    await expect(store.create(virtualServerKind, large)).rejects.toMatchObject({ code: "too-large" });
    await store.create(virtualServerKind, server("dry"), { dryRun: true });
    expect(store.get(virtualServerKind, { namespace: "default", name: "dry" })).toBeUndefined();
  });

  test("finds out how a write went that was not answered in time", async () => {
    const resume = nats.pause();
    const writing = store.create(virtualServerKind, server("slow"));
    await systemEnvironment.sleep(3500); // longer than an attempt may take
    resume();
    const created = await writing;
    expect(store.read(virtualServerKind, { namespace: "default", name: "slow" })).toEqual(created);
  });

  test("goes on after the server was killed and started again", async () => {
    const namespace: Namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "before" } };
    await store.create(namespaceKind, namespace);
    const events: string[] = [];
    const watch = store.watch(namespaceKind, { resourceVersion: store.resourceVersion }, (event) =>
      events.push(event.object.metadata.name),
    );
    await nats.kill();
    await expect.poll(() => store.connected, { timeout: 10_000 }).toBe(false);
    const during = store.create(namespaceKind, { ...namespace, metadata: { name: "during" } });
    await nats.start();
    await during;
    await store.create(namespaceKind, { ...namespace, metadata: { name: "after" } });
    expect(store.connected).toBe(true);
    expect(events).toEqual(["during", "after"]);
    expect(store.get(namespaceKind, { name: "before" })).toBeDefined();
    watch.stop();
  });
});
