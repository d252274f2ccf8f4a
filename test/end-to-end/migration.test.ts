import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { Fleet } from "../fleet/fleet.ts";
import { until } from "../fleet/program.ts";

const kept = { connectionKept: true, writesLost: 0 };

describe("a migration", () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await Fleet.open();
    await fleet.haveImage();
    await fleet.openAllNodes();
  });
  afterEach(async () => {
    for (const name of ["cache", "other"]) await fleet.remove(name);
    await fleet.openAllNodes();
  });

  test("empties a host while its client counts on", async () => {
    const { node, address } = await fleet.haveRedis("cache");
    const counter = fleet.counter(address, 64);
    await counter.event("counting");
    const drained = await fleet.vctl("drain", node);
    expect(drained.code).toBe(0);
    expect(await counter.finish()).toMatchObject(kept);
    const after = await fleet.server("cache");
    expect(after.status?.nodeName).not.toBe(node);
    expect(after.status?.epoch).toBe(2);
    expect(drained.stderr).toMatch(/cache migrated .*pause/);
    expect(drained.stdout).toContain(`node/${node} drained`);
    expect((await fleet.nodes()).find((found) => found.metadata.name === node)?.spec.unschedulable).toBe(true);
  });

  test("goes A -> B -> A -> B with one connection, its memory and its files", async () => {
    const { node, address } = await fleet.haveRedis("cache");
    const other = await fleet.otherNode(node);
    const counter = fleet.counter(address);
    await counter.event("counting");
    for (const [turn, target] of [other, node, other].entries()) {
      await fleet.does("exec", "cache", "--", "sh", "-c", `echo ${turn} >> /srv/turns; sync`);
      await fleet.does("migrate", "cache", "--to", target);
      expect(await fleet.runningStatus("cache")).toMatchObject({
        nodeName: target,
        epoch: turn + 2,
      });
    }
    expect(await counter.finish()).toMatchObject(kept);
    expect(await fleet.does("exec", "cache", "--", "cat", "/srv/turns")).toBe("0\n1\n2\n");
  });

  test("says what it did: phases, bytes, pause", async () => {
    const { node } = await fleet.haveRedis("cache");
    await fleet.does("migrate", "cache");
    const [migration] = await fleet.migrationsOf("cache");
    expect(migration?.status).toMatchObject({ phase: "Succeeded", mode: "StopAndCopy", sourceNode: node });
    for (const figure of ["pauseMs", "totalMs", "memoryBytes", "wireBytes"] as const)
      expect(migration?.status?.[figure]).toBeGreaterThan(0);
    expect(await fleet.does("describe", "migration", migration?.metadata.name ?? "")).toContain("Succeeded");
  });

  test("is undone when the source's gate refuses: the server runs on, the client notices a pause", async () => {
    const { node, address } = await fleet.haveRedis("cache");
    const counter = fleet.counter(address);
    await counter.event("counting");
    await fleet.lab("failpoint", node, "migration.source.post-dump", "refuse-once");
    const refused = await fleet.vctl("migrate", "cache");
    expect(refused.code).toBe(1);
    expect(await counter.finish()).toMatchObject(kept);
    expect(await fleet.runningStatus("cache")).toMatchObject({ nodeName: node, epoch: 1 });
    // Nothing of the attempt stands in the way of the next one.
    await fleet.does("migrate", "cache");
  });

  test("is undone when the target's gate refuses: the server runs on, the client notices a pause", async () => {
    const { node, address } = await fleet.haveRedis("cache");
    const target = await fleet.otherNode(node);
    const counter = fleet.counter(address);
    await counter.event("counting");
    await fleet.lab("failpoint", target, "migration.target.post-restore", "refuse-once");
    const refused = await fleet.vctl("migrate", "cache", "--to", target);
    expect(refused.code).toBe(1);
    expect(await counter.finish()).toMatchObject(kept);
    expect(await fleet.runningStatus("cache")).toMatchObject({ nodeName: node, epoch: 1 });
    await fleet.does("migrate", "cache", "--to", target);
  });

  test("outlives a restart of the controller in its middle", async () => {
    const { node, address } = await fleet.haveRedis("cache");
    const counter = fleet.counter(address, 128);
    await counter.event("counting");
    const target = await fleet.otherNode(node);
    await fleet.does("migrate", "cache", "--to", target, "--detach");
    await until("the migration to be under way", 20_000, async () => {
      const [migration] = await fleet.migrationsOf("cache");
      return ["Syncing", "Freezing", "Committed", "Succeeded"].includes(migration?.status?.phase ?? "")
        ? true
        : undefined;
    });
    await fleet.lab("restart-program", "control", "controller");
    const ended = await until("the migration to end", 60_000, async () => {
      const answer = await fleet.vctl("get", "migrations", "-o", "json");
      if (answer.code !== 0) return undefined; // the API is away for as long as the controller starts
      const phase = (await fleet.migrationsOf("cache"))[0]?.status?.phase;
      return phase === "Succeeded" || phase === "Failed" ? phase : undefined;
    });
    expect(ended).toBe("Succeeded");
    expect(await counter.finish()).toMatchObject(kept);
    expect(await fleet.runningStatus("cache")).toMatchObject({ nodeName: target, epoch: 2 });
  });

  test.each(["source", "target"] as const)(
    "ends in one place when the agent of its %s is killed in its middle",
    async (side) => {
      const { node, address } = await fleet.haveRedis("cache");
      const target = await fleet.otherNode(node);
      const counter = fleet.counter(address, 128);
      await counter.event("counting");
      await fleet.does("migrate", "cache", "--to", target, "--detach");
      await until("the tasks to be frozen", 20_000, async () => {
        const [migration] = await fleet.migrationsOf("cache");
        return ["Freezing", "Committed", "Succeeded"].includes(migration?.status?.phase ?? "") ? true : undefined;
      });
      await fleet.lab("restart-program", side === "source" ? node : target, "agent", "--signal", "KILL");
      const ended = await until("the migration to end", 90_000, async () => {
        const status = (await fleet.migrationsOf("cache"))[0]?.status;
        return status?.endedAt === undefined ? undefined : status;
      });
      // Killed before the commit it runs on at the source, after it at the target; never in both, and no write is lost.
      expect(await counter.finish()).toMatchObject(kept);
      expect(await fleet.runningStatus("cache")).toMatchObject(
        ended.phase === "Succeeded" ? { nodeName: target, epoch: 2 } : { nodeName: node, epoch: 1 },
      );
      const copies = ["sh", "-c", "cat /proc/[0-9]*/comm 2>/dev/null | grep -cx redis-server"];
      await until("one copy to be left", 15_000, async () => {
        const counts = await Promise.all([node, target].map((host) => fleet.exec(host, ...copies)));
        return counts
          .map(({ stdout }) => stdout.trim())
          .toSorted()
          .join() === "0,1"
          ? true
          : undefined;
      });
      await fleet.does("migrate", "cache");
    },
  );

  test("can be cancelled, and the server runs on", async () => {
    const { node, address } = await fleet.haveRedis("cache");
    const counter = fleet.counter(address, 128);
    await counter.event("counting");
    await fleet.does("migrate", "cache", "--detach");
    const [migration] = await fleet.migrationsOf("cache");
    await fleet.vctl("migrate", "--cancel", migration?.metadata.name ?? "");
    const phase = await until("the migration to end", 60_000, async () => {
      const found = (await fleet.migrationsOf("cache"))[0]?.status?.phase;
      return found === "Succeeded" || found === "Cancelled" || found === "Failed" ? found : undefined;
    });
    expect(await counter.finish()).toMatchObject(kept);
    // The commit may have come first: then the cancel is refused and the server is at the target.
    const after = await fleet.runningStatus("cache");
    expect(after).toMatchObject(phase === "Succeeded" ? { epoch: 2 } : { nodeName: node, epoch: 1 });
  });

  test("moves several servers of one host in one drain", async () => {
    const first = await fleet.haveRedis("cache");
    const second = await fleet.haveRedis("other");
    // Through every host, so that each has the image before the clients take both cores of a small machine.
    const others = (await fleet.nodes()).map(({ metadata }) => metadata.name).filter((name) => name !== first.node);
    let at = second.node;
    for (const name of [...others, first.node]) {
      if (name !== at) await fleet.does("migrate", "other", "--to", name);
      at = name;
    }
    const counters = [fleet.counter(first.address), fleet.counter(second.address)];
    for (const counter of counters) await counter.event("counting");
    await fleet.does("drain", first.node);
    for (const counter of counters) expect(await counter.finish()).toMatchObject(kept);
    for (const name of ["cache", "other"]) expect((await fleet.server(name)).status?.nodeName).not.toBe(first.node);
  });

  test("goes on when vctl is killed", async () => {
    const { node } = await fleet.haveRedis("cache");
    const target = await fleet.otherNode(node);
    const watcher = fleet.start("migrate", "cache", "--to", target);
    await until("the migration to be asked for", 20_000, async () =>
      (await fleet.migrationsOf("cache")).length > 0 ? true : undefined,
    );
    watcher.kill("SIGKILL");
    const ended = await until("the migration to end", 90_000, async () => {
      const status = (await fleet.migrationsOf("cache"))[0]?.status;
      return status?.endedAt === undefined ? undefined : status;
    });
    expect(ended).toMatchObject({ phase: "Succeeded", targetNode: target });
    expect((await fleet.runningStatus("cache")).epoch).toBe(2);
  });
});
