import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { hostsRunning, leftOn } from "../fleet/census.ts";
import { Fleet } from "../fleet/fleet.ts";
import { until } from "../fleet/program.ts";
import { randomFrom, rounds, seed, soakLab } from "./seed.ts";

const modes = ["StopAndCopy", "Postcopy"] as const;
/** A move of this server begins to end about here. */
const momentsMs = 2000;

describe(`an agent that is killed at any moment of a move, seed ${seed}`, () => {
  const random = randomFrom(seed);
  const kills = Array.from({ length: rounds }, (_, round) => ({
    round,
    mode: modes[Math.floor(random() * modes.length)] ?? "StopAndCopy",
    side: random() < 0.5 ? ("source" as const) : ("target" as const),
    momentMs: Math.round(random() * momentsMs),
    isDeleted: random() < 0.2,
  }));
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await Fleet.open(soakLab);
    await fleet.haveImage();
  });
  beforeEach(async () => {
    await fleet.remove("cache");
    await fleet.openAllNodes();
  });

  async function expectNothingLeft(...hosts: string[]): Promise<void> {
    for (const host of hosts) expect(await leftOn(fleet, host)).toEqual([]);
  }

  test.each(kills)(
    "round $round: $mode, its $side's after $momentMs ms",
    async ({ mode, side, momentMs, isDeleted }) => {
      const { node, address } = await fleet.haveRedis("cache");
      const target = await fleet.otherNode(node);
      const counter = fleet.counter(address, 64);
      try {
        await counter.event("counting");
        const options = mode === "Postcopy" ? ["--allow-post-copy"] : [];
        await fleet.does("migrate", "cache", "--to", target, "--mode", mode, "--detach", ...options);
        await new Promise((resolve) => setTimeout(resolve, momentMs));
        await fleet.lab("restart-program", side === "source" ? node : target, "agent", "--signal", "KILL");
        if (isDeleted) {
          await fleet.remove("cache");
          return await expectNothingLeft(node, target);
        }
        const { reason } = await until("the move to end", 90_000, async () => {
          const status = (await fleet.migrationsOf("cache")).at(-1)?.status;
          return status?.endedAt === undefined ? undefined : status;
        });
        const { nodeName = "", epoch } = await fleet.runningStatus("cache", 30_000);
        expect([nodeName, epoch]).toEqual(nodeName === node ? [node, 1] : [target, 2]);
        expect(await hostsRunning(fleet, "redis-server")).toEqual([nodeName]);
        // What post-copy says of the loss of a side is the one way to lose memory.
        const lost = reason === "PostCopyLost" ? 0 : (await counter.finish())["writesLost"];
        expect(lost).toBe(0);
        expect(await leftOn(fleet, nodeName, { servers: 1 })).toEqual([]);
        await expectNothingLeft(nodeName === node ? target : node);
      } finally {
        counter.kill();
      }
    },
  );
});
