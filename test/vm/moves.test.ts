import { migrationModes } from "@vfleet/shared";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { installedPaths } from "../../deploy/install/where.ts";
import { hostsRunning, leftOn } from "../fleet/census.ts";
import type { Fleet } from "../fleet/fleet.ts";
import { haveSmallDatabase, haveSmallRedis, moveOptions, openVmFleet, pgbench, slowMs } from "./vm-fleet.ts";

/** All that move a running server. */
const modes = migrationModes.filter((mode) => mode !== "Auto" && mode !== "Cold");

describe("between two kernels", () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await openVmFleet();
  });
  afterEach(async () => {
    await fleet.remove("cache");
    await fleet.remove("database");
  });

  test("hosts run the distribution's kernel, each its own, with dirty-page tracking and cgroup version 2", async () => {
    const boots = await Promise.all(
      (await fleet.nodes()).map(async ({ metadata: { name }, status }) => {
        expect(status?.nodeInfo?.kernelVersion).toMatch(/-cloud-amd64$/);
        expect((await fleet.exec(name, installedPaths().criu, "check", "--feature", "mem_dirty_track")).code).toBe(0);
        expect((await fleet.exec(name, "stat", "-fc", "%T", "/sys/fs/cgroup")).stdout.trim()).toBe("cgroup2fs");
        return (await fleet.exec(name, "cat", "/proc/sys/kernel/random/boot_id")).stdout;
      }),
    );
    expect(new Set(boots).size).toBe(2);
  });

  test.each(modes)("a redis goes A -> B -> A by %s while its client counts on", async (mode) => {
    const { node, address } = await haveSmallRedis(fleet, "cache");
    const other = await fleet.otherNode(node);
    const counter = fleet.counter(address, 8, ["--max-seconds", "600"]);
    await counter.event("counting");
    for (const [turn, target] of [other, node].entries()) {
      await fleet.does("migrate", "cache", "--to", target, ...moveOptions(mode));
      // I1 and I2: one copy, where the record says.
      expect(await fleet.runningStatus("cache", slowMs)).toMatchObject({ nodeName: target, epoch: turn + 2 });
      expect(await hostsRunning(fleet, "redis-server")).toEqual([target]);
      expect((await fleet.migrationsOf("cache")).at(-1)?.status).toMatchObject({ phase: "Succeeded", mode });
      // What a limit is worth is seen by its cgroup: the tasks are still in it.
      expect(await memoryLimit(fleet, target)).toBe(256 * 1024 ** 2);
    }
    // I4: the same connection all the time, and every answered write is there.
    expect(await counter.finish()).toMatchObject({ connectionKept: true, writesLost: 0 });
    await fleet.does("delete", "virtualserver", "cache");
    // I6.
    for (const host of [node, other])
      expect({ [host]: await leftOn(fleet, host, { deadlineMs: slowMs }) }).toEqual({ [host]: [] });
  });

  test.each(modes)("a PostgreSQL goes A -> B -> A by %s, and no transaction of pgbench fails", async (mode) => {
    const { node, address } = await haveSmallDatabase(fleet, "database");
    const other = await fleet.otherNode(node);
    const seconds = benchSeconds;
    const transactions = pgbench(fleet, address, "--client", "3", "--time", String(seconds), "--rate", "5");
    for (const target of [other, node]) {
      await fleet.does("migrate", "database", "--to", target, ...moveOptions(mode));
      expect((await fleet.migrationsOf("database")).at(-1)?.status).toMatchObject({ phase: "Succeeded", mode });
      // A process for each client, and those of the database's own.
      expect(new Set(await hostsRunning(fleet, "postgres"))).toEqual(new Set([target]));
    }
    const finished = await transactions;
    expect(finished.stderr).not.toMatch(/error|abort/i);
    expect(finished.stdout).toMatch(/number of failed transactions: 0 /);
    expect(finished.code).toBe(0);
  });
});

/** Longer than two moves take where every instruction is emulated. */
const benchSeconds = 180;

/** Of the cgroup that the one redis of a host is in. */
async function memoryLimit(fleet: Fleet, host: string): Promise<number> {
  // A process that ends meanwhile makes grep fail.
  const read =
    'p=$(grep -slx redis-server /proc/[0-9]*/comm); cat "/sys/fs/cgroup$(cut -d: -f3 "${p%comm}cgroup")/memory.max"';
  return Number((await fleet.exec(host, "sh", "-c", read)).stdout);
}
