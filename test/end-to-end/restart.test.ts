import { rm } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Fleet } from "../fleet/fleet.ts";
import { until } from "../fleet/program.ts";

describe("a restart", () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await Fleet.open();
    await fleet.haveImage();
    await fleet.openAllNodes();
  });
  afterAll(async () => {
    for (const name of ["cache", "held"]) await fleet.remove(name);
  });

  test("of the agent leaves its servers running, and they can be moved afterwards", async () => {
    const { node, address } = await fleet.haveRedis("cache");
    const counter = fleet.counter(address);
    await counter.event("counting");
    await fleet.lab("restart-program", node, "agent");
    await fleet.does("wait", `node/${node}`, "--for=condition=Ready", "--timeout=30s");
    expect(await fleet.runningStatus("cache")).toMatchObject({ restarts: 0, nodeName: node });
    await until("the agent to answer again", 30_000, async () =>
      (await fleet.vctl("exec", "cache", "--", "true")).code === 0 ? true : undefined,
    );
    await fleet.does("migrate", "cache");
    expect(await counter.finish()).toMatchObject({ connectionKept: true, writesLost: 0 });
  });

  test("of NATS, Redis or the controller leaves servers running and the record whole", async () => {
    const { status } = await fleet.server("cache");
    const counter = fleet.counter(status?.address ?? "");
    await counter.event("counting");
    for (const program of ["nats", "redis", "controller"]) await fleet.lab("restart-program", "control", program);
    await until("the fleet to answer again", 60_000, async () => {
      const answer = await fleet.vctl("get", "virtualserver", "cache", "-o", "json");
      if (answer.code !== 0) return undefined;
      const nodes = await fleet.vctl("wait", "nodes", "--all", "--for=condition=Ready", "--timeout=1s");
      return nodes.code === 0 ? true : undefined;
    });
    expect(await fleet.runningStatus("cache")).toMatchObject({
      nodeName: status?.nodeName,
      epoch: status?.epoch,
    });
    expect(await counter.finish()).toMatchObject({ connectionKept: true, writesLost: 0 });
    await fleet.does("migrate", "cache");
  });

  test("of a host in the middle of a move, with nothing left of what it had not synced, ends with the server running", async () => {
    const { node } = await fleet.haveRedis("held");
    await fleet.does("migrate", "held", "--detach");
    await until("the move to be under way", 60_000, async () => {
      const phase = (await fleet.migrationsOf("held"))[0]?.status?.phase ?? "";
      return ["Syncing", "Freezing", "Committed"].includes(phase) ? true : undefined;
    });
    await fleet.lab("crash", node);
    await rm(`${fleet.labFolder}/${node}/state/operations`, { recursive: true, force: true });
    await fleet.lab("boot", node);
    await until("the move to end", 90_000, async () =>
      (await fleet.migrationsOf("held"))[0]?.status?.endedAt === undefined ? undefined : true,
    );
    await until("the server to run again", 60_000, async () => {
      const { status } = await fleet.server("held");
      return status?.phase === "Running" ? true : undefined;
    });
    expect(await fleet.does("exec", "held", "--", "redis-cli", "ping")).toBe("PONG\n");
  });
});
