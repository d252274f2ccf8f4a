import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Fleet } from "../../fleet/fleet.ts";
import { until } from "../../fleet/program.ts";
import { buildKernelStateImage } from "../../workloads/kernel-state-image.ts";
import { kernelStateGroups, lostPrograms, refusedPrograms } from "./kernel-state-groups.ts";

/** Programs to try in one server, to find which one of a group cannot be moved: VFLEET_KERNEL_STATE=pipe,fifo */
const chosen = process.env["VFLEET_KERNEL_STATE"]?.split(",");
const groups = Object.entries(chosen === undefined ? kernelStateGroups : { chosen });
const keeper = "/bin/keeper";

const fleetOpen = Fleet.open();
let image = "";

beforeAll(async () => {
  const fleet = await fleetOpen;
  await fleet.openAllNodes();
  const { name, tarFile } = await buildKernelStateImage();
  image = name;
  if ((await fleet.vctl("get", "image", name)).code !== 0)
    await fleet.does("image", "import", name, "--tar", tarFile, "--node", "host-1");
});

describe.each(groups)("programs of the group %s", (group, programs) => {
  const server = `kernel-state-${group}`;
  let verdicts = new Map<string, string>();

  beforeAll(async () => {
    const fleet = await fleetOpen;
    const { there, back } = await startPrograms(server, programs);
    const options = group === "post-copy" ? ["--mode", "Postcopy", "--allow-post-copy"] : [];
    await fleet.does("migrate", server, "--to", there, ...options);
    await fleet.does("migrate", server, "--to", back, ...options);
    verdicts = await verdictsOf(server);
  });
  afterAll(async () => (await fleetOpen).remove(server));

  test.each(programs)("%s is as it was after two moves", (program) => {
    expect(verdicts.get(program)).toBe("PASS");
  });
});

describe.runIf(chosen === undefined)("what cannot be moved", () => {
  test.each(refusedPrograms)("%s keeps its server where it is, with the reason", async (program, reason) => {
    const fleet = await fleetOpen;
    const server = `kernel-state-${program}`;
    try {
      const { there } = await startPrograms(server, [program]);
      const refused = await fleet.vctl("migrate", server, "--to", there);
      expect(refused.code).toBe(1);
      expect(refused.stderr).toMatch(reason);
      expect(await verdictsOf(server)).toEqual(new Map([[program, "PASS"]]));
    } finally {
      await fleet.remove(server);
    }
  });

  test("is not brought along by CRIU 4.2, which says nothing of it", async () => {
    const fleet = await fleetOpen;
    const server = "kernel-state-lost";
    try {
      const { there } = await startPrograms(server, lostPrograms);
      await fleet.does("migrate", server, "--to", there);
      const verdicts = await verdictsOf(server);
      for (const program of lostPrograms) expect(verdicts.get(program)).toMatch(/^FAIL/);
    } finally {
      await fleet.remove(server);
    }
  });
});

/** A server in which each program has its state; gives the host it is on, and another. */
async function startPrograms(server: string, programs: readonly string[]): Promise<{ there: string; back: string }> {
  const fleet = await fleetOpen;
  await fleet.does("run", server, "--image", image, "--memory", "1Gi", "--", keeper, ...programs);
  await until(`the programs of ${server} to be ready`, 60_000, async () => {
    const asked = await fleet.vctl("exec", server, "--", keeper, "--ask");
    if (asked.stdout.includes(" FAIL ")) throw new Error(`not ready before any move: ${asked.stdout}`);
    return asked.code === 0 ? true : undefined;
  });
  const { nodeName: back = "" } = await fleet.runningStatus(server);
  return { there: await fleet.otherNode(back), back };
}

/** What each program says of its state. */
async function verdictsOf(server: string): Promise<Map<string, string>> {
  const { stdout } = await (await fleetOpen).vctl("exec", server, "--", keeper, "--verify");
  const lines = stdout.split("\n").filter((line) => line !== "");
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1)]));
}
