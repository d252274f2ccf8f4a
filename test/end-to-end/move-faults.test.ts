import { afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Migration } from "@vfleet/shared";
import { hostsRunning, leftOn } from "../fleet/census.ts";
import { Fleet } from "../fleet/fleet.ts";
import { until } from "../fleet/program.ts";

const kept = { connectionKept: true, writesLost: 0 };
/** From the decision to give a move up until its server runs on. */
const resumeLimitMs = 1000;

describe("a move that goes wrong", () => {
  let fleet: Fleet;
  let undo: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    fleet = await Fleet.open();
    await fleet.haveImage();
    await fleet.openAllNodes();
    // Every host has the image: what is moved is the server's own.
    await fleet.haveRedis("faulty");
    for (const { metadata } of await fleet.nodes()) await fleet.vctl("migrate", "faulty", "--to", metadata.name);
    await fleet.remove("faulty");
  });
  afterEach(async () => {
    for (const step of undo.toReversed()) await step();
    undo = [];
    await fleet.remove("faulty");
    await fleet.openAllNodes();
  });

  async function ended(): Promise<NonNullable<Migration["status"]>> {
    return until("the migration to end", 90_000, async () => {
      const status = (await fleet.migrationsOf("faulty")).at(-1)?.status;
      return status?.endedAt === undefined ? undefined : status;
    });
  }

  async function underWay(phase: string): Promise<void> {
    await until(`the move to be ${phase}`, 60_000, async () =>
      (await fleet.migrationsOf("faulty")).at(-1)?.status?.phase === phase ? true : undefined,
    );
  }

  /** One copy, where it was; no trace of the attempt; and the next attempt succeeds. */
  async function expectUnharmed({ node, target }: { node: string; target: string }): Promise<void> {
    expect(await fleet.runningStatus("faulty")).toMatchObject({ nodeName: node, epoch: 1 });
    expect(await hostsRunning(fleet, "redis-server")).toEqual([node]);
    expect(await leftOn(fleet, node, { servers: 1 })).toEqual([]);
    expect(await leftOn(fleet, target)).toEqual([]);
    for (const step of undo.splice(0).toReversed()) await step();
    await fleet.does("migrate", "faulty", "--to", target);
    expect(await hostsRunning(fleet, "redis-server")).toEqual([target]);
  }

  async function serving(): Promise<{ node: string; target: string; address: string }> {
    const { node, address } = await fleet.haveRedis("faulty");
    return { node, address, target: await fleet.otherNode(node) };
  }

  /** A move that takes a while, of volume and of memory. */
  async function servingMuch(): Promise<{ node: string; target: string }> {
    const { node, target, address } = await serving();
    await haveLargeFile(16);
    const counter = fleet.counter(address, 64);
    await counter.event("counting");
    counter.kill();
    return { node, target };
  }

  async function haveLargeFile(mebibytes: number): Promise<void> {
    const write = ["dd", "if=/dev/urandom", "of=/srv/large", "bs=1M", `count=${mebibytes}`, "status=none"];
    await fleet.does("exec", "faulty", "--", ...write);
  }

  /** Everything that a host sends to the others leaves at this rate. */
  async function slowDown(host: string, rate: string): Promise<void> {
    const { stdout } = await fleet.exec(host, "sh", "-c", "ip -o route get 10.99.0.2 | sed 's/.* dev //; s/ .*//'");
    const link = stdout.trim();
    const set = ["tc", "qdisc", "add", "dev", link, "root", "tbf", "rate", rate, "burst", "32kb", "latency", "200ms"];
    expect((await fleet.exec(host, ...set)).code).toBe(0);
    undo.push(() => fleet.exec(host, "tc", "qdisc", "del", "dev", link, "root"));
  }

  test("is refused before it begins where its target has no room", async () => {
    const { node, target } = await serving();
    const free = (await fleet.nodes()).find(({ metadata }) => metadata.name === target)?.status?.allocatable?.[
      "memory"
    ];
    expect(free).toBeDefined();
    const size = { requests: { memory: free }, limits: { memory: free } };
    const filler = { nodeSelector: { "kubernetes.io/hostname": target } };
    await fleet.apply({
      apiVersion: "vfleet.dev/v1",
      kind: "VirtualServer",
      metadata: { name: "filler" },
      spec: { image: "debian-12-databases", command: ["sleep", "inf"], resources: size, placement: filler },
    });
    undo.push(() => fleet.remove("filler"));
    await fleet.runningStatus("filler", 30_000);
    const refused = await fleet.vctl("migrate", "faulty", "--to", target);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/memory/);
    expect((await ended()).reason).toBe("NoTargetFits");
    await fleet.remove("filler");
    await expectUnharmed({ node, target });
  });

  test("is undone while the server runs where its target's disk is full", async () => {
    const { node, target, address } = await serving();
    await haveLargeFile(96);
    const volumes = `${fleet.labFolder}/${target}/volumes`;
    const fill = 'fallocate -l $(($(df --output=avail -B1 "$1" | tail -1) - 33554432)) "$1/ballast"';
    const ballast = await fleet.exec(target, "sh", "-c", fill, "sh", volumes);
    expect(ballast).toMatchObject({ code: 0, stderr: "" });
    undo.push(() => fleet.exec(target, "sh", "-c", 'rm "$1/ballast" && sync -f "$1"', "sh", volumes));
    const counter = fleet.counter(address);
    await counter.event("counting");
    const refused = await fleet.vctl("migrate", "faulty", "--to", target);
    expect(refused.code).toBe(1);
    expect((await ended()).message).toMatch(/No space left on device/);
    const seen = await counter.finish();
    expect(seen).toMatchObject(kept);
    expect(seen["longestPauseMs"]).toBeLessThan(resumeLimitMs);
    await expectUnharmed({ node, target });
  });

  test("is undone in time where its target takes the memory slowly", async () => {
    const { node, target, address } = await serving();
    const counter = fleet.counter(address, 64);
    await counter.event("counting");
    await slowDown(node, "8mbit");
    const limitSeconds = 8;
    const refused = await fleet.vctl("migrate", "faulty", "--to", target, "--completion-timeout", `${limitSeconds}s`);
    expect(refused.code).toBe(1);
    expect((await ended()).message).toMatch(/within 8000 ms/);
    const seen = await counter.finish();
    expect(seen).toMatchObject(kept);
    expect(seen["longestPauseMs"]).toBeLessThan(limitSeconds * 1000 + resumeLimitMs);
    await expectUnharmed({ node, target });
  });

  test("is undone in time where its target is cut off from the source alone, without a word", async () => {
    const { node, target, address } = await serving();
    const counter = fleet.counter(address, 64);
    await counter.event("counting");
    await slowDown(node, "16mbit");
    await fleet.does("migrate", "faulty", "--to", target, "--detach");
    await underWay("Freezing");
    undo.push(() => fleet.lab("heal"));
    await fleet.lab("partition", node, "--from", target);
    expect((await ended()).message).toMatch(/nothing has moved for 15000 ms/);
    const seen = await counter.finish();
    expect(seen).toMatchObject(kept);
    expect(seen["longestPauseMs"]).toBeLessThan(25_000);
    await fleet.lab("heal");
    await expectUnharmed({ node, target });
  });

  test.each(["Syncing", "Freezing"])(
    "ends with the server that is deleted while it is %s, and leaves nothing",
    async (phase) => {
      const { node, target } = await servingMuch();
      await slowDown(node, "16mbit");
      await fleet.does("migrate", "faulty", "--to", target, "--detach");
      await underWay(phase);
      await fleet.does("delete", "virtualserver", "faulty", "--timeout", "20s");
      expect(await ended()).toMatchObject({ phase: "Failed", message: "the server is being deleted" });
      for (const host of [node, target]) expect(await leftOn(fleet, host)).toEqual([]);
    },
  );

  test.each(["Syncing", "Freezing"])(
    "leaves a server that is stopped while it is %s stopped in one place",
    async (phase) => {
      const { node, target } = await servingMuch();
      await slowDown(node, "16mbit");
      await fleet.does("migrate", "faulty", "--to", target, "--detach");
      await underWay(phase);
      const server = await fleet.server("faulty");
      expect((await fleet.apply({ ...server, spec: { ...server.spec, runStrategy: "Stopped" } })).code).toBe(0);
      expect(await ended()).toMatchObject({ phase: "Failed", message: "the server is being stopped" });
      await until("it to be stopped", 20_000, async () =>
        (await fleet.server("faulty")).status?.phase === "Stopped" ? true : undefined,
      );
      expect(await hostsRunning(fleet, "redis-server")).toEqual([]);
    },
  );
});
