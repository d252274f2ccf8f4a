import { beforeEach, expect, test } from "vitest";
import { checkpointKind, eventKind, imageKind, nodeKind, systemEnvironment, virtualServerKind } from "@vfleet/shared";
import type { SimulatedAgent } from "./fleet/simulated-agent.ts";
import {
  addAgent,
  agents,
  expectOneRunnerPerEpoch,
  failoverMs,
  get,
  isReady,
  key,
  make,
  makeImage,
  makeServer,
  registry,
  startControl,
  stopControl,
  store,
  until,
} from "./test-fleet.ts";

const names = ["one", "two", "three", "four", "five"];
let host: SimulatedAgent;

beforeEach(async () => {
  host = addAgent("host-1");
  await until("host-1 ready", () => isReady("host-1"));
  await makeImage();
});

async function addOthers(): Promise<void> {
  addAgent("host-2");
  addAgent("host-3");
  await until("all ready", () => [...agents.keys()].every((node) => isReady(node)));
  // So that they have the image: with the lost host's servers it would be lost.
  for (const node of ["host-2", "host-3"])
    await makeServer(`on-${node}`, { placement: { nodeSelector: { "kubernetes.io/hostname": node } } });
  await until("the image everywhere", () => store.get(imageKind, { name: "debian" })?.status?.nodes?.length === 3);
}

async function makeArmed(name: string, onNodeLoss: string): Promise<void> {
  await makeServer(name, { availability: { onNodeLoss } });
  await until(`${name} armed`, () => get(name)?.status?.failover?.armedEpoch === 1);
}

const messages = (reason: string) =>
  store.list(eventKind).items.flatMap((event) => (event.reason === reason ? [event.message ?? ""] : []));

test("a lost host's servers begin elsewhere as each asks, no sooner than lease and grace, and what comes back with it is released", async () => {
  for (const name of names) await makeArmed(name, "Restart");
  await makeServer("waits");
  const addresses = names.map((name) => get(name)?.status?.address);
  await addOthers();
  const lostAtMs = systemEnvironment.monotonicMs();
  host.stop();
  await until("the first to move", () => names.some((name) => get(name)?.status?.epoch === 2));
  const afterMs = systemEnvironment.monotonicMs() - lostAtMs;
  // Its last report may be one interval old.
  expect(afterMs).toBeGreaterThan(failoverMs - 250);
  await until("all five to run", () =>
    names.every((name) => get(name)?.status?.phase === "Running" && get(name)?.status?.nodeName !== "host-1"),
  );
  expect(systemEnvironment.monotonicMs() - lostAtMs).toBeLessThan(failoverMs + 3000);
  expect(names.map((name) => get(name)?.status?.address)).toEqual(addresses);
  expect(get("one")?.status?.failover).toMatchObject({
    from: "host-1",
    epoch: 2,
    lost: expect.stringContaining("begins anew"),
  });
  expect(get("waits")?.status).toMatchObject({ nodeName: "host-1", epoch: 1, phase: "Unknown" });
  await until("its message", () => get("waits")?.status?.message?.includes("it waits for its node"));
  await until("events", () => messages("TakenOver").length === 5 && messages("NodeLost").length === 1);
  expect(await registry.metrics()).toContain('vfleet_failovers_total{outcome="restarted"} 5');
  agents.set("host-1", host);
  host.start();
  await until("host-1 to release them", () => host.servers.length === 1);
  await until("the one that waited to run", () => get("waits")?.status?.phase === "Running");
  expectOneRunnerPerEpoch();
});

test("a server is restored from the newest checkpoint that another host has, and one without waits", async () => {
  await makeArmed("kept", "Restore");
  await makeArmed("bare", "Restore");
  await addOthers();
  await make(checkpointKind, { metadata: key("newest"), spec: { server: "kept", copies: 2 } });
  const { checkpoint, copy } = await until("a copy of the checkpoint", () => {
    const { metadata, status } = store.get(checkpointKind, key("newest")) ?? {};
    const other = status?.copies?.find(({ node }) => node !== "host-1")?.node;
    return metadata?.uid === undefined || other === undefined ? undefined : { checkpoint: metadata.uid, copy: other };
  });
  host.stop();
  await until("it to run again", () => get("kept")?.status?.phase === "Running" && get("kept")?.status?.epoch === 2);
  await until("that to be written down", () => get("kept")?.status?.failover?.restoredEpoch === 2);
  expect(get("kept")?.status).toMatchObject({ nodeName: copy, failover: { checkpoint } });
  expect(agents.get(copy)?.checkpoints.reports().restores).toHaveLength(1);
  await until("events", () => messages("TakenOver").some((message) => message.includes('its checkpoint "newest"')));
  await until("the other's message", () => get("bare")?.status?.message?.includes("no other node has a checkpoint"));
  await store.mutate(virtualServerKind, key("bare"), (draft) => {
    draft.spec.availability.onNodeLoss = "Restart";
  });
  await until("it to begin anew", () => get("bare")?.status?.phase === "Running" && get("bare")?.status?.epoch === 2);
});

test("a controller that begins to listen counts silence anew, and what was not said to be fenced stays", async () => {
  await makeArmed("one", "Restart");
  await makeServer("late");
  await addOthers();
  host.stop();
  await store.mutate(virtualServerKind, key("late"), (draft) => {
    draft.spec.availability.onNodeLoss = "Restart";
  });
  await systemEnvironment.sleep(failoverMs / 2);
  await stopControl();
  await startControl();
  const sinceMs = systemEnvironment.monotonicMs();
  await until("it to move", () => get("one")?.status?.epoch === 2);
  expect(systemEnvironment.monotonicMs() - sinceMs).toBeGreaterThan(failoverMs);
  await until("why the other stays", () => get("late")?.status?.message?.includes("out-of-service"));
  expect(get("late")?.status).toMatchObject({ nodeName: "host-1", epoch: 1 });
  await store.mutate(nodeKind, { name: "host-1" }, (draft) => {
    draft.spec.taints = [{ key: "node.kubernetes.io/out-of-service", effect: "NoExecute" }];
  });
  await until("it to move, too", () => get("late")?.status?.epoch === 2);
});

test("none is acted upon when all hosts are silent", async () => {
  await makeArmed("one", "Restart");
  await addOthers();
  for (const agent of agents.values()) agent.stop();
  await until("it to be held", () => get("one")?.status?.message?.includes("so many nodes are silent"));
  expect(get("one")?.status).toMatchObject({ nodeName: "host-1", epoch: 1 });
  expect(await registry.metrics()).toContain("vfleet_failover_brake 2");
});
