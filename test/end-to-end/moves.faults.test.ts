import { readFile, writeFile } from "node:fs/promises";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { issueCertificate, nodeCommonName, readAuthority } from "../../deploy/pki/authority.ts";
import { hostsRunning, leftOn } from "../fleet/census.ts";
import { Fleet } from "../fleet/fleet.ts";
import { endedMove, kept, moveIn, moveWhere } from "../fleet/moves.ts";
import { until } from "../fleet/program.ts";

/** From the decision to give a move up until its server runs on. */
const resumeLimitMs = 1000;
const dayMs = 24 * 60 * 60 * 1000;

describe("a move that goes wrong", () => {
  let fleet: Fleet;
  let undo: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    fleet = await Fleet.ready();
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

  /** A host gets a certificate that was good for last year; its agent reads it for each move. */
  async function outdate(host: string): Promise<void> {
    const pki = (file: string) => `${fleet.labFolder}/pki/${file}`;
    const authority = await readAuthority({
      certificate: await readFile(pki("ca.pem"), "utf8"),
      key: await readFile(pki("ca.key"), "utf8"),
    });
    const files = [pki(`${host}.pem`), pki(`${host}.key`)] as const;
    const before = await Promise.all(files.map((file) => readFile(file)));
    undo.push(() => Promise.all(files.map((file, index) => writeFile(file, before[index] ?? ""))));
    const name = { commonName: nodeCommonName(host) };
    const { certificate, key } = await issueCertificate(authority, name, Date.now() - 400 * dayMs);
    await writeFile(files[0], certificate);
    await writeFile(files[1], key);
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
    expect((await endedMove(fleet, "faulty")).reason).toBe("NoTargetFits");
    await fleet.remove("filler");
    await expectUnharmed({ node, target });
  });

  test("is refused where a host's certificate is outdated by the other's clock, and says which and when", async () => {
    const { node, target, address } = await serving();
    const counter = fleet.counter(address);
    await counter.event("counting");
    await outdate(node);
    expect((await fleet.vctl("migrate", "faulty", "--to", target)).code).toBe(1);
    const dates = "is valid from 20\\S*Z to 20\\S*Z, and at the target it is 20\\S*Z";
    expect((await endedMove(fleet, "faulty")).message).toMatch(new RegExp(`the certificate "node:${node}" ${dates}`));
    const seen = await counter.finish();
    expect(seen).toMatchObject(kept);
    expect(seen["longestPauseMs"]).toBeLessThan(resumeLimitMs);
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
    expect((await endedMove(fleet, "faulty")).message).toMatch(/No space left on device/);
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
    expect((await endedMove(fleet, "faulty")).message).toMatch(/within 8000 ms/);
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
    await moveIn(fleet, "faulty", "Freezing");
    undo.push(() => fleet.lab("heal"));
    await fleet.lab("partition", node, "--from", target);
    expect((await endedMove(fleet, "faulty")).message).toMatch(/nothing has moved for 15000 ms/);
    const seen = await counter.finish();
    expect(seen).toMatchObject(kept);
    expect(seen["longestPauseMs"]).toBeLessThan(25_000);
    await fleet.lab("heal");
    await expectUnharmed({ node, target });
  });

  test.each(["Syncing", "Freezing"] as const)(
    "ends with the server that is deleted while it is %s, and leaves nothing",
    async (phase) => {
      const { node, target } = await servingMuch();
      await slowDown(node, "16mbit");
      await fleet.does("migrate", "faulty", "--to", target, "--detach");
      await moveIn(fleet, "faulty", phase);
      await fleet.does("delete", "virtualserver", "faulty", "--timeout", "20s");
      expect(await endedMove(fleet, "faulty")).toMatchObject({
        phase: "Failed",
        message: "the server is being deleted",
      });
      for (const host of [node, target]) expect(await leftOn(fleet, host)).toEqual([]);
    },
  );

  test.each([
    ["source", "post-dump", "lives"],
    ["target", "post-restore", "lives"],
    ["source", "post-dump", "is killed"],
    ["target", "post-restore", "is killed"],
  ] as const)(
    "ends with the server that is deleted while it is held at its %s's gate %s, whose agent %s, and leaves nothing",
    async (side, gate, agent) => {
      const { node, target } = await serving();
      const host = side === "source" ? node : target;
      const point = `migration.${side}.${gate}`;
      await fleet.lab("failpoint", host, point, "hold");
      undo.push(() => fleet.lab("failpoint", host, point, "clear"));
      await fleet.does("migrate", "faulty", "--to", target, "--detach");
      const step = side === "source" ? "dumped" : "restored";
      await moveWhere(fleet, "faulty", {
        what: `it to be held when ${step}`,
        is: ({ timeline = [] }) => timeline.some((entry) => entry.side === side && entry.step === step),
      });
      if (agent === "is killed") await fleet.lab("restart-program", host, "agent", "--signal", "KILL");
      await fleet.does("delete", "virtualserver", "faulty", "--timeout", "30s");
      expect(await endedMove(fleet, "faulty")).toMatchObject({ phase: "Failed" });
      for (const each of [node, target]) expect(await leftOn(fleet, each)).toEqual([]);
    },
  );

  test.each(["Syncing", "Freezing"] as const)(
    "leaves a server that is stopped while it is %s stopped in one place",
    async (phase) => {
      const { node, target } = await servingMuch();
      await slowDown(node, "16mbit");
      await fleet.does("migrate", "faulty", "--to", target, "--detach");
      await moveIn(fleet, "faulty", phase);
      const server = await fleet.server("faulty");
      expect((await fleet.apply({ ...server, spec: { ...server.spec, runStrategy: "Stopped" } })).code).toBe(0);
      expect(await endedMove(fleet, "faulty")).toMatchObject({
        phase: "Failed",
        message: "the server is being stopped",
      });
      await until("it to be stopped", 20_000, async () =>
        (await fleet.server("faulty")).status?.phase === "Stopped" ? true : undefined,
      );
      expect(await hostsRunning(fleet, "redis-server")).toEqual([]);
    },
  );
});
