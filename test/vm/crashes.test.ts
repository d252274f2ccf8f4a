import type { Migration } from "@vfleet/shared";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { hostsRunning } from "../fleet/census.ts";
import type { Fleet } from "../fleet/fleet.ts";
import { until } from "../fleet/program.ts";
import { haveSmallRedis, moveOptions, openVmFleet, slowMs } from "./vm-fleet.ts";

type Phase = NonNullable<NonNullable<Migration["status"]>["phase"]>;

/** A power cut of one side while a move is in a phase. `keepsConnection`: the server's own host lives on. */
const cuts: readonly {
  readonly side: "source" | "target";
  readonly phase: Phase;
  readonly keepsConnection: boolean;
}[] = [
  { side: "target", phase: "Preparing", keepsConnection: true },
  { side: "source", phase: "Preparing", keepsConnection: false },
  { side: "target", phase: "Syncing", keepsConnection: true },
  { side: "source", phase: "Syncing", keepsConnection: false },
  { side: "target", phase: "Freezing", keepsConnection: true },
  { side: "source", phase: "Freezing", keepsConnection: false },
  { side: "target", phase: "Committed", keepsConnection: false },
  { side: "source", phase: "Committed", keepsConnection: true },
];

describe("a host that loses its power in the middle of a move", () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await openVmFleet();
  });
  afterEach(async () => {
    for (const { metadata } of await fleet.nodes()) await fleet.lab("boot", metadata.name).catch(() => undefined);
    await allReady(fleet);
    await fleet.remove("cache");
  });

  test.each(cuts)("$side, while it is $phase: one copy, and none lost", async ({ side, phase, keepsConnection }) => {
    const { node, address } = await haveSmallRedis(fleet, "cache");
    const target = await fleet.otherNode(node);
    const counter = fleet.counter(address, 8, ["--max-seconds", "900"]);
    await counter.event("counting");
    await fleet.does("migrate", "cache", "--to", target, "--detach", ...moveOptions("StopAndCopy"));
    await until(`the move to be ${phase}`, slowMs, async () => {
      const now = (await fleet.migrationsOf("cache")).at(-1)?.status?.phase;
      if (now === "Failed" || now === "Succeeded")
        throw new Error(`it is ${now} already: ${(await fleet.migrationsOf("cache")).at(-1)?.status?.message}`);
      return now === phase ? true : undefined;
    });
    const dead = side === "source" ? node : target;
    await fleet.lab("crash", dead);
    if (keepsConnection) await ended(fleet);
    await fleet.lab("boot", dead);
    await allReady(fleet);
    const { phase: end, reason } = await ended(fleet);
    // What ran is lost with a target that has committed, but not whose it is.
    const home = end === "Succeeded" || reason === "LostAfterCommit" ? target : node;
    // I1 and I2: by the deadline one copy, where the record says, on a fleet that is whole again.
    expect(await fleet.runningStatus("cache", slowMs)).toMatchObject({ nodeName: home });
    expect(await hostsRunning(fleet, "redis-server")).toEqual([home]);
    // I4, where the memory of the server has not gone with its host.
    const seen = keepsConnection ? { connectionKept: true, writesLost: 0 } : { connectionKept: false };
    expect(await counter.finish()).toMatchObject(seen);
  });
});

async function ended(fleet: Fleet): Promise<NonNullable<Migration["status"]>> {
  return until("the move to end", slowMs, async () => {
    const status = (await fleet.migrationsOf("cache")).at(-1)?.status;
    return status?.endedAt === undefined ? undefined : status;
  });
}

async function allReady(fleet: Fleet): Promise<void> {
  await until("every host to be ready", slowMs, async () => {
    const states = (await fleet.nodes()).map(
      ({ status }) => status?.conditions?.find(({ type }) => type === "Ready")?.status,
    );
    return states.every((state) => state === "True") ? true : undefined;
  });
}
