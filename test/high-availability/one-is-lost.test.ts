import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { hostsRunning } from "../fleet/census.ts";
import { Fleet } from "../fleet/fleet.ts";
import { endedMove, moveIn } from "../fleet/moves.ts";
import { until } from "../fleet/program.ts";
import { ApiPoll } from "./api-poll.ts";
import { type Control, controls, highAvailabilityLab } from "./high-availability-lab.ts";

/** What a client may be without answers. */
const outageMaxMs = 3000;
/** A machine that has too much to do can keep a leader from its work for longer than its lease. */
const onLoadedMachine = { retry: 1 };
/** NATS servers take so long to agree on who takes writes: until then a write waits, and isn't refused. */
const writeMaxMs = 15_000;
const healthPort = 6444;

/** Addresses of the controllers, by name. */
let addresses: ReadonlyMap<string, string>;
let fleet: Fleet;

interface LabStatus {
  hosts: { host: string; address: string; programs: Record<string, number | null> }[];
}

const status = async () => JSON.parse(await fleet.lab("status", "--json")) as LabStatus;

beforeAll(async () => {
  fleet = await Fleet.ready(highAvailabilityLab);
  addresses = new Map((await status()).hosts.map(({ host, address }) => [host, address]));
  await everybodyThere();
  await fleet.haveRedis("cache");
});
afterAll(async () => {
  await fleet.remove("cache");
});
beforeEach(everybodyThere);

/** What a controller says of itself; none while it doesn't. */
async function readiness(control: Control): Promise<string | undefined> {
  const url = `http://${addresses.get(control)}:${healthPort}/readyz`;
  const { code, stdout } = await fleet.exec("client", "curl", "--silent", "--max-time", "2", "--fail", url);
  return code === 0 ? stdout : undefined;
}

/** Every controller runs and follows the store, and one of them leads: only then the next one may be lost. */
async function everybodyThere(): Promise<void> {
  await until("all controllers to be ready", 60_000, async () => {
    const said = await Promise.all(controls.map(readiness));
    const saying = (what: string) => said.filter((word) => word === what).length;
    return saying("leading") === 1 && saying("standing by") === controls.length - 1 ? true : undefined;
  });
}

async function controlsThat(say: string): Promise<Control[]> {
  const said = await Promise.all(controls.map(readiness));
  return controls.filter((_, index) => said[index] === say);
}

async function epochs(): Promise<number[]> {
  const metrics = await Promise.all(
    controls.map((control) =>
      fleet.exec("client", "curl", "--silent", `http://${addresses.get(control)}:${healthPort}/metrics`),
    ),
  );
  return metrics.map(({ stdout }) => Number(/^vfleet_leader_epoch (\d+)$/m.exec(stdout)?.[1]));
}

/** Moves the server while `kill` happens and a client counts in it; says what clients of the API saw. */
async function whileMoving(kill: () => Promise<unknown>): Promise<ApiPoll> {
  const before = await fleet.runningStatus("cache");
  const counter = fleet.counter(before.address ?? "");
  const poll = new ApiPoll(`${fleet.labFolder}/kubeconfig`);
  try {
    await counter.event("counting");
    poll.start();
    // Slowly, so that it is in the middle of it.
    await fleet.does("migrate", "cache", "--detach", "--bandwidth", "6M");
    await moveIn(fleet, "cache", "Syncing", "Freezing");
    await kill();
    expect(await endedMove(fleet, "cache")).toMatchObject({ phase: "Succeeded" });
    const after = await fleet.runningStatus("cache");
    // One more move, and nothing that was started twice or anew.
    expect(after).toMatchObject({ epoch: (before.epoch ?? 0) + 1, restarts: before.restarts ?? 0 });
    expect(after.nodeName).not.toBe(before.nodeName);
    expect(await hostsRunning(fleet, "redis-server")).toEqual([after.nodeName]);
    expect(await counter.finish()).toMatchObject({ connectionKept: true, writesLost: 0 });
  } finally {
    counter.kill();
    await poll.end();
  }
  return poll;
}

describe("of three controllers and three NATS servers", () => {
  test("the leading controller is killed: another one leads within three seconds", onLoadedMachine, async () => {
    const [leader = "control-1"] = await controlsThat("leading");
    const epochBefore = Math.max(...(await epochs()));
    const { reads, writes } = await whileMoving(() => fleet.lab("restart-program", leader, "controller"));
    process.stdout.write(`leader killed: ${JSON.stringify({ reads, writes })}\n`);
    await everybodyThere();
    expect(await controlsThat("leading")).not.toEqual([leader]);
    expect(Math.max(...(await epochs()))).toBe(epochBefore + 1);
    expect(Math.max(reads.outageMs, writes.outageMs)).toBeLessThan(outageMaxMs);
  });

  test("a standby is killed: no request fails, and the leader stays", onLoadedMachine, async () => {
    const leaders = await controlsThat("leading");
    const [standby = "control-1"] = await controlsThat("standing by");
    const { reads, writes } = await whileMoving(() => fleet.lab("restart-program", standby, "controller"));
    process.stdout.write(`standby killed: ${JSON.stringify({ reads, writes })}\n`);
    expect([reads.failures, writes.failures]).toEqual([0, 0]);
    expect(await controlsThat("leading")).toEqual(leaders);
  });

  test.each(controls)(
    "the NATS server of %s is killed: no request fails, writes wait",
    onLoadedMachine,
    async (control) => {
      const { reads, writes } = await whileMoving(() => fleet.lab("restart-program", control, "nats"));
      process.stdout.write(`NATS of ${control} killed: ${JSON.stringify({ reads, writes })}\n`);
      expect(Math.max(reads.outageMs, writes.outageMs)).toBeLessThan(outageMaxMs);
      expect(writes.slowestMs).toBeLessThan(writeMaxMs);
    },
  );

  test("vctl waits for the next leader, and what it follows goes on", async () => {
    const [leader = "control-1"] = await controlsThat("leading");
    const isCordoned = ["node/host-1", "--for=jsonpath={.spec.unschedulable}=true", "--timeout=60s"];
    const waiting = fleet.vctl("wait", ...isCordoned);
    await fleet.lab("restart-program", leader, "controller");
    await fleet.does("cordon", "host-1");
    expect(await waiting).toMatchObject({ code: 0 });
    await fleet.does("uncordon", "host-1");
  });

  test("the leading controller is told to end: the next one doesn't wait for its lease", async () => {
    const [leader = "control-1"] = await controlsThat("leading");
    const poll = new ApiPoll(`${fleet.labFolder}/kubeconfig`);
    poll.start();
    await fleet.lab("restart-program", leader, "controller", "--signal", "TERM");
    await everybodyThere();
    await poll.end();
    const { reads, writes } = poll;
    process.stdout.write(`leader told to end: ${JSON.stringify({ reads, writes })}\n`);
    expect(Math.max(reads.outageMs, writes.outageMs)).toBeLessThan(outageMaxMs);
  });

  test("a host with a controller and a NATS server loses power: a move under way succeeds, and so does the next", async () => {
    const [standby = "control-1"] = await controlsThat("standing by");
    const { reads, writes } = await whileMoving(() => fleet.lab("crash", standby));
    process.stdout.write(`${standby} off: ${JSON.stringify({ reads, writes })}\n`);
    expect(Math.max(reads.outageMs, writes.outageMs)).toBeLessThan(outageMaxMs);
    await fleet.does("migrate", "cache");
    await fleet.lab("boot", standby);
  });
});
