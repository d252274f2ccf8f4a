import { afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Migration } from "@vfleet/shared";
import { conditionOf } from "@vfleet/shared";
import { Fleet } from "../fleet/fleet.ts";
import { until } from "../fleet/program.ts";

/** A child asks to be traced by its parent: ptrace(PTRACE_TRACEME), number 101 on x86-64. */
const traced = "if (!fork()) { syscall(101, 0, 0, 0, 0) == 0 or die; sleep 300 } sleep 300";
const filled = "for i = 1, ARGV[1] do redis.call('set', 'k' .. i, string.rep(tostring(i), 200)) end return 1";

describe("a move", () => {
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

  async function move(): Promise<Migration | undefined> {
    return (await fleet.migrationsOf("held")).at(-1);
  }

  test.runIf(process.arch === "x64")("of what can't be dumped is refused before the freeze, and says why", async () => {
    const { node } = await fleet.haveRedis("held");
    const tracing = fleet.start("exec", "held", "--", "perl", "-e", traced);
    const condition = await until("the node to see it", 30_000, async () => {
      const found = conditionOf((await fleet.server("held")).status?.conditions, "Migratable");
      return found?.status === "False" ? found : undefined;
    });
    expect(condition).toMatchObject({
      reason: "Traced",
      message: expect.stringMatching(/^process \d+ \(perl\) is traced by process \d+ \(perl\)$/) as unknown,
    });
    const refused = await fleet.vctl("migrate", "held");
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("it cannot be moved while it runs: process");
    const drained = await fleet.vctl("drain", node, "--timeout", "20s");
    expect(drained.stderr).toContain("default/held: it cannot be moved while it runs");
    await fleet.does("drain", "--cancel", node);
    expect(await move()).toBeUndefined();
    tracing.kill();
    await fleet.does("exec", "held", "--", "sh", "-c", "kill -9 $(pidof perl)");
    await fleet.does("wait", "vs/held", "--for=condition=Migratable", "--timeout=30s");
    await fleet.does("uncordon", node);
    await fleet.does("migrate", "held");
  });

  test.runIf(process.arch === "x64")(
    "of what can't be dumped is planned, made cold by a drain, and taken back",
    async () => {
      const { node } = await fleet.haveRedis("held");
      fleet.start("exec", "held", "--", "perl", "-e", traced);
      await until("the node to see it", 30_000, async () => {
        const found = conditionOf((await fleet.server("held")).status?.conditions, "Migratable");
        return found?.status === "False" ? found : undefined;
      });
      const plan = await fleet.does("drain", node, "--dry-run", "--fallback", "cold");
      expect(plan).toMatch(/default\/held +Move +\S+ +Cold .*it cannot be moved while it runs.*\(fallback cold\)/);
      expect(plan).toContain("nothing was changed");
      expect((await fleet.server("held")).status).toMatchObject({ nodeName: node, epoch: 1 });
      expect((await fleet.nodes()).find(({ metadata }) => metadata.name === node)?.spec.unschedulable).toBeUndefined();

      const drained = await fleet.vctl("drain", node, "--fallback", "cold");
      expect(drained.code).toBe(0);
      expect(drained.stderr).toContain("(fallback cold: to be stopped, moved and started again)");
      expect(await fleet.runningStatus("held")).toMatchObject({ epoch: 2 });
      expect(await move()).toMatchObject({ status: { mode: "Cold", phase: "Succeeded", sourceNode: node } });

      // What was seen in the tasks that were stopped says nothing of those that were started.
      const planned = await fleet.does("uncordon", node, "--bring-back", "--dry-run");
      expect(planned).toMatch(new RegExp(`default/held +Move +${node} `));
      expect(planned).toContain("nothing was changed");
      expect(await fleet.runningStatus("held")).toMatchObject({ epoch: 2 });
      const back = await fleet.does("uncordon", node, "--bring-back");
      expect(back).toContain(`node/${node} has its servers back: 1 of 1 server moved`);
      expect(await fleet.runningStatus("held")).toMatchObject({ nodeName: node, epoch: 3 });
      expect((await move())?.status?.mode).not.toBe("Cold");
    },
  );

  test("by post-copy says how long both hosts are needed, and what became of a server that lost one of them", async () => {
    const { node } = await fleet.haveRedis("held", "--memory", "1Gi");
    await fleet.does("exec", "held", "--", "redis-cli", "eval", filled, "0", "400000");
    await fleet.does("migrate", "held", "--mode", "Postcopy", "--allow-post-copy", "--detach");
    const filling = await until("it to run while pages are missing", 60_000, async () => {
      const status = (await move())?.status;
      return status?.bothHostsNeeded === true ? status : undefined;
    });
    expect(filling).toMatchObject({ phase: "Committed", mode: "Postcopy", sourceNode: node });
    expect(filling.message).toContain("both hosts are needed until the last page has arrived");
    await fleet.lab("crash", node);
    const ended = await until("an end", 60_000, async () => {
      const status = (await move())?.status;
      return status?.endedAt === undefined ? undefined : status;
    });
    await fleet.lab("boot", node);
    expect(ended).toMatchObject({ phase: "Failed", reason: "PostCopyLost", bothHostsNeeded: false });
    expect(ended.message).toContain(`the server was started again on node "${ended.targetNode ?? ""}"`);
    expect(await fleet.runningStatus("held")).toMatchObject({ nodeName: ended.targetNode, epoch: 2 });
  });
});
