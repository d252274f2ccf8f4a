import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Checkpoint, VirtualServer } from "@vfleet/shared";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Fleet } from "../fleet/fleet.ts";
import { until } from "../fleet/program.ts";

describe("a checkpoint that leaves its host", () => {
  let fleet: Fleet;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "travel-"));
    fleet = await Fleet.open();
    await fleet.haveImage();
    await fleet.openAllNodes();
  });
  afterAll(async () => {
    await fleet.vctl("delete", "checkpoints", "--all");
    await fleet.vctl("delete", "restores", "--all");
    for (const name of ["cache", "cache-2"]) await fleet.remove(name);
    rmSync(folder, { recursive: true });
  });

  const redis = async (server: string, ...words: string[]) =>
    (await fleet.does("exec", server, "--", "redis-cli", ...words)).trim();

  test("goes out as one file, comes in under another name, and is a new server on another host that knows what the first knew", async () => {
    const { node } = await fleet.haveRedis("cache");
    await redis("cache", "set", "town", "Utrecht");
    await fleet.does("checkpoint", "create", "cache", "--name", "first");
    await redis("cache", "set", "town", "elsewhere");
    const file = join(folder, "first.tar.zst");
    expect(await fleet.does("checkpoint", "export", "first", "-o", file)).toContain("is in");

    const damaged = join(folder, "damaged.tar.zst");
    writeFileSync(damaged, readFileSync(file).subarray(0, -4096));
    const refused = await fleet.vctl("checkpoint", "import", damaged, "--name", "damaged");
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("Cannot import checkpoint");
    await until("nothing to be left", 10_000, async () =>
      (await fleet.list<Checkpoint>("checkpoints")).every(({ metadata }) => metadata.name === "first"),
    );

    const other = await fleet.otherNode(node);
    await fleet.does("checkpoint", "import", file, "--name", "second");
    await fleet.does("checkpoint", "restore", "second", "--as", "cache-2", "--node", other);
    const { nodeName, address } = await fleet.runningStatus("cache-2");
    expect(nodeName).toBe(other);
    expect(address).not.toBe((await fleet.runningStatus("cache")).address);
    expect(await redis("cache-2", "get", "town")).toBe("Utrecht");
    expect(await redis("cache", "get", "town")).toBe("elsewhere");
    const taken = await fleet.vctl("checkpoint", "restore", "second", "--as", "cache-2");
    expect(taken.stderr).toContain("names a new one");
  });

  test("is verified by its digests, and by a scratch server that goes again", async () => {
    if ((await fleet.vctl("get", "vs", "cache")).code !== 0) await fleet.haveRedis("cache");
    await fleet.does("checkpoint", "create", "cache", "--name", "verified");
    expect(await fleet.does("checkpoint", "verify", "verified", "--digests-only")).toContain("every digest is right");
    expect(await fleet.does("checkpoint", "verify", "verified")).toContain("its programs run");
    const servers = (await fleet.list<VirtualServer>("virtualservers")).map(({ metadata }) => metadata.name);
    expect(servers.filter((name) => name.startsWith("verify-"))).toEqual([]);
  });

  test("is what a suspended server goes on from, with all that it knew to the last moment", async () => {
    if ((await fleet.vctl("get", "vs", "cache")).code !== 0) await fleet.haveRedis("cache");
    const { address, nodeName } = await fleet.runningStatus("cache");
    await redis("cache", "set", "town", "Delft");
    expect(await fleet.does("suspend", "cache")).toContain("virtualserver/cache suspended");
    expect(await fleet.does("suspend", "cache")).toContain("already suspended");
    expect((await fleet.server("cache")).status?.phase).toBe("Suspended");
    expect((await fleet.vctl("exec", "cache", "--", "true")).code).not.toBe(0);
    expect(await fleet.does("resume", "cache")).toContain("virtualserver/cache resumed");
    expect(await redis("cache", "get", "town")).toBe("Delft");
    expect(await fleet.runningStatus("cache")).toMatchObject({ address, nodeName, restarts: 0 });
    await until("its checkpoint to go", 10_000, async () =>
      (await fleet.list<Checkpoint>("checkpoints")).every(({ spec }) => !spec.stops),
    );
  });
});
