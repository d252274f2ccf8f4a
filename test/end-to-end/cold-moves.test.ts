import { afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Migration } from "@vfleet/shared";
import { hostsRunning, leftOn } from "../fleet/census.ts";
import { Fleet, image } from "../fleet/fleet.ts";
import { until } from "../fleet/program.ts";

/** Holds what CRIU refuses: a pipe in packet mode. Notes each of its starts in a file; ends when it is asked to. */
const refused = `
use Fcntl;
open(my $starts, ">>", "/srv/starts"); print $starts "started\\n"; close $starts;
pipe(my $reader, my $writer);
fcntl($writer, F_SETFL, O_DIRECT) or die;
$SIG{TERM} = sub { exit 0 };
sleep 1 while 1;
`;
/** The same, but it has to be killed: a stop takes its whole grace period. */
const stubborn = refused.replace("sub { exit 0 }", '"IGNORE"');

describe("a cold move", () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await Fleet.open();
    await fleet.haveImage();
    await fleet.openAllNodes();
  });
  afterEach(async () => {
    await fleet.remove("held");
    await fleet.openAllNodes();
  });

  async function haveRefused(program: string, ...options: string[]): Promise<string> {
    await fleet.does("run", "held", "--image", image, "--memory", "128Mi", ...options, "--", "perl", "-e", program);
    return (await fleet.runningStatus("held")).nodeName ?? "";
  }

  async function lastMove(): Promise<Migration | undefined> {
    return (await fleet.migrationsOf("held")).at(-1);
  }

  async function endedMove(): Promise<NonNullable<Migration["status"]>> {
    return until("the move to end", 90_000, async () => {
      const status = (await lastMove())?.status;
      return status?.endedAt === undefined ? undefined : status;
    });
  }

  async function starts(): Promise<number> {
    return (await fleet.does("exec", "held", "--", "cat", "/srv/starts")).trim().split("\n").length;
  }

  async function expectOnce(): Promise<void> {
    await until("one copy to be left", 30_000, async () =>
      (await hostsRunning(fleet, "perl")).length === 1 ? true : undefined,
    );
  }

  test("takes what CRIU refuses to another host: stopped, with its files, and started once", async () => {
    const node = await haveRefused(refused);
    await fleet.does("exec", "held", "--", "sh", "-c", "echo kept > /srv/note");
    const warm = await fleet.vctl("migrate", "held");
    expect(warm.code).toBe(1);
    expect(await fleet.runningStatus("held")).toMatchObject({ nodeName: node, epoch: 1 });
    expect(await starts()).toBe(1);
    await fleet.does("migrate", "held", "--mode", "Cold");
    const { nodeName, epoch, restarts } = await fleet.runningStatus("held");
    expect([nodeName === node, epoch, restarts]).toEqual([false, 2, 0]);
    expect(await fleet.does("exec", "held", "--", "cat", "/srv/note")).toBe("kept\n");
    expect(await starts()).toBe(2);
    await expectOnce();
    const { status } = (await lastMove()) ?? {};
    expect(status).toMatchObject({ phase: "Succeeded", mode: "Cold", modeReason: "Asked for" });
    expect(status?.pauseMs).toBeGreaterThan(0);
  });

  test("is what a drain does with a server whose spec says so", async () => {
    const node = await haveRefused(refused);
    const { apiVersion, kind, spec } = await fleet.server("held");
    const migration = { ...spec.migration, mode: "Cold" };
    const applied = await fleet.apply({ apiVersion, kind, metadata: { name: "held" }, spec: { ...spec, migration } });
    expect(applied.code).toBe(0);
    await fleet.does("drain", node);
    const { nodeName } = await fleet.runningStatus("held");
    expect(nodeName).not.toBe(node);
    expect(await lastMove()).toMatchObject({ status: { mode: "Cold", phase: "Succeeded" } });
    expect(await starts()).toBe(2);
    await fleet.does("delete", "vs", "held");
    expect(await leftOn(fleet, node)).toEqual([]);
  });

  test("that fails after the stop has the server started again where it was, though it restarts nothing by itself", async () => {
    const node = await haveRefused(refused, "--restart", "Never");
    await fleet.lab("failpoint", node, "migration.source.stopped", "refuse-once");
    expect((await fleet.vctl("migrate", "held", "--mode", "Cold")).code).toBe(1);
    expect(await fleet.runningStatus("held")).toMatchObject({ nodeName: node, epoch: 1, restarts: 0 });
    expect(await starts()).toBe(2);
    await expectOnce();
    await fleet.does("migrate", "held", "--mode", "Cold");
    expect(await fleet.runningStatus("held")).toMatchObject({ epoch: 2, restarts: 0 });
  });

  test("that is cancelled while the server stops has it started again where it was", async () => {
    const node = await haveRefused(stubborn);
    await fleet.does("migrate", "held", "--mode", "Cold", "--detach");
    await untilStopping();
    await fleet.does("migrate", "--cancel", (await lastMove())?.metadata.name ?? "");
    expect(await endedMove()).toMatchObject({ phase: "Cancelled" });
    await until("it to be started again", 30_000, async () => ((await startsSeen()) === 2 ? true : undefined));
    expect(await fleet.runningStatus("held")).toMatchObject({ nodeName: node, epoch: 1, restarts: 0 });
    await expectOnce();
  });

  test.each(["source", "target"] as const)(
    "whose %s loses its agent while the server stops ends with the server started again where it was",
    async (side) => {
      const node = await haveRefused(stubborn, "--restart", "Never");
      const target = await fleet.otherNode(node);
      await fleet.does("migrate", "held", "--mode", "Cold", "--to", target, "--detach");
      await untilStopping();
      await fleet.lab("restart-program", side === "source" ? node : target, "agent", "--signal", "KILL");
      expect(await endedMove()).toMatchObject({ phase: "Failed" });
      await until("it to be started again", 60_000, async () => ((await startsSeen()) === 2 ? true : undefined));
      expect(await fleet.runningStatus("held")).toMatchObject({ nodeName: node, epoch: 1, restarts: 0 });
      await expectOnce();
    },
  );

  test("that can't start it after the commit says so, and the target's agent goes on trying", async () => {
    const node = await haveRefused(refused, "--restart", "Never");
    const target = await fleet.otherNode(node);
    await fleet.lab("failpoint", target, "migration.target.start", "refuse-once");
    await fleet.does("migrate", "held", "--mode", "Cold", "--to", target, "--detach");
    expect(await endedMove()).toMatchObject({ phase: "Failed", reason: "LostAfterCommit" });
    expect(await fleet.runningStatus("held")).toMatchObject({ nodeName: target, epoch: 2, restarts: 0 });
    expect(await starts()).toBe(2);
    await expectOnce();
  });

  test("whose source crashes while the server stops ends with the server started again there once it is back", async () => {
    const node = await haveRefused(stubborn, "--restart", "Never");
    await fleet.does("migrate", "held", "--mode", "Cold", "--detach");
    await untilStopping();
    await fleet.lab("crash", node);
    await fleet.lab("boot", node);
    expect(await endedMove()).toMatchObject({ phase: "Failed" });
    await until("it to be started again", 60_000, async () => ((await startsSeen()) === 2 ? true : undefined));
    expect(await fleet.runningStatus("held")).toMatchObject({ nodeName: node, epoch: 1 });
    await expectOnce();
  });

  async function untilStopping(): Promise<void> {
    await until("it to be asked to stop", 30_000, async () =>
      (await lastMove())?.status?.phase === "Freezing" ? true : undefined,
    );
  }

  /** None while it does not run. */
  async function startsSeen(): Promise<number | undefined> {
    const { code, stdout } = await fleet.vctl("exec", "held", "--", "cat", "/srv/starts");
    return code === 0 ? stdout.trim().split("\n").length : undefined;
  }
});
