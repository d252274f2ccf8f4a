import type { Migration, RebalancePolicy } from "@vfleet/shared";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Fleet, image } from "../fleet/fleet.ts";
import { endToEndLab } from "../fleet/paths.ts";
import { run, until } from "../fleet/program.ts";

/** Of its own: two hosts with so little CPU that both have it, whatever else the machine does. */
const lab = `${endToEndLab}-rebalance`;
const busy = ["sh", "-c", "while :; do :; done"];
const idle = ["sleep", "infinity"];
/** Holds 400 MB. */
const full = ["perl", "-e", "vec($held, 400 << 20, 8) = 1; sleep 1000 while 1"];
const policy = {
  apiVersion: "vfleet.dev/v1",
  kind: "RebalancePolicy",
  metadata: { name: "default" },
  spec: { mode: "Suggest", intervalSeconds: 5, holdRounds: 2, warmUpSeconds: 0 },
};

let fleet: Fleet;

async function inLab(verb: string, ...args: string[]): Promise<void> {
  const finished = await run(process.execPath, ["deploy/lab/main.ts", verb, "--name", lab, ...args]);
  if (finished.code !== 0) throw new Error(finished.stderr);
}

/** On this node. `cpu` and `memory`: its limits. */
async function start(
  name: string,
  node: string,
  { cpu, memory = "256Mi", command }: { cpu?: string; memory?: string; command: string[] },
): Promise<void> {
  const other = await fleet.otherNode(node);
  await fleet.does("cordon", other);
  const resources = { requests: { cpu: "10m" }, limits: { memory, ...(cpu === undefined ? {} : { cpu }) } };
  const about = { apiVersion: "vfleet.dev/v1", kind: "VirtualServer", metadata: { name } };
  const migration = { maxDowntimeMs: 10_000 };
  const applied = await fleet.apply({ ...about, spec: { image, command, resources, migration } });
  if (applied.code !== 0) throw new Error(applied.stderr);
  await fleet.does("wait", `vs/${name}`, "--for=jsonpath={.status.phase}=Running", "--timeout=60s");
  await fleet.does("uncordon", other);
}

async function lastRound(): Promise<NonNullable<RebalancePolicy["status"]>> {
  return (await fleet.list<RebalancePolicy>("rebalancepolicies"))[0]?.status ?? {};
}

beforeAll(async () => {
  await inLab("down");
  await inLab("up", "--hosts", "2", "--cpus-per-host", "200m");
  fleet = await Fleet.ready(lab);
  await fleet.apply(policy);
  await start("noisy", "host-1", { cpu: "140m", command: idle });
  await start("steady", "host-1", { cpu: "80m", command: busy });
  await start("quiet", "host-1", { command: idle });
  await start("neighbour", "host-2", { cpu: "60m", command: busy });
});

afterAll(() => inLab("down"));

test("servers that only their own limits hold back are no overload", async () => {
  const before = (await lastRound()).lastRoundAt;
  await until("another round", 30_000, async () => ((await lastRound()).lastRoundAt !== before ? true : undefined));
  const { nodes, nodesWatched } = await lastRound();
  expect({ nodes, nodesWatched }).toEqual({ nodes: [], nodesWatched: 2 });
  expect(await fleet.migrationsOf("steady")).toEqual([]);
});

test("a stress in one server of a host has the one moved that relieves it and fits elsewhere, and pressure falls", async () => {
  await fleet.does("exec", "noisy", "--", "sh", "-c", "(while :; do :; done) </dev/null >/dev/null 2>&1 &");
  const [overloaded] = await until("a suggestion", 60_000, async () => {
    const { nodes = [] } = await lastRound();
    return nodes[0]?.move === undefined ? undefined : nodes;
  });
  expect(overloaded).toMatchObject({ name: "host-1", resource: "cpu", move: { server: "default/steady" } });
  const explained = await fleet.does("rebalance", "--dry-run");
  expect(explained).toMatch(/default\/steady to host-2: gain .* suggested/);
  expect(explained).toMatch(/default\/noisy +it would overload host-2: CPU/);
  expect(await fleet.list("migrations")).toEqual([]);

  const startedMs = performance.now();
  await fleet.does("rebalance", "--mode", "On");
  await until("the move", 120_000, async () => {
    const [move] = await fleet.migrationsOf("steady");
    return move?.status?.phase === "Succeeded" ? move : undefined;
  });
  const movedMs = performance.now() - startedMs;
  expect(movedMs).toBeLessThan(120_000);
  expect((await fleet.runningStatus("steady")).nodeName).toBe("host-2");
  const round = await until("no overload", 120_000, async () => {
    const status = await lastRound();
    return status.nodes?.length === 0 ? status : undefined;
  });
  expect(round.message).toBe("2 nodes measured, none overloaded");
  expect(await fleet.list("migrations")).toHaveLength(1);
});

test("a host whose memory fills up has a server moved until it is below the threshold, and that is all", async () => {
  await fleet.apply({ ...policy, spec: { ...policy.spec, mode: "Off" } });
  for (const name of ["noisy", "steady", "quiet", "neighbour"]) await fleet.remove(name);
  await start("fat-1", "host-1", { memory: "512Mi", command: full });
  await start("fat-2", "host-1", { memory: "512Mi", command: full });
  const thresholds = { memoryUsePercent: 16 };
  const spec = { ...policy.spec, mode: "On", thresholds, targetLoadPercent: 15, marginPercent: 5 };
  expect(await fleet.apply({ ...policy, spec })).toMatchObject({ code: 0 });
  const move = await until("the move", 60_000, async () => {
    const [found] = await fleet.list<Migration>("migrations");
    return found?.status?.phase === "Succeeded" ? found : undefined;
  });
  expect(move.spec).toMatchObject({ reason: "Rebalance", targetNode: "host-2" });
  expect(await fleet.runningStatus(move.spec.server)).toMatchObject({ nodeName: "host-2", restarts: 0 });
  await until("no overload", 60_000, async () => {
    const { nodes, nodesWatched } = await lastRound();
    return nodes?.length === 0 && nodesWatched === 2 ? true : undefined;
  });
  expect(await fleet.list("migrations")).toHaveLength(1);
});
