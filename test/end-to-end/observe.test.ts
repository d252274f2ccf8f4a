import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Fleet } from "../fleet/fleet.ts";
import { until } from "../fleet/program.ts";

describe("what an operator sees", () => {
  let fleet: Fleet;
  let node: string;
  beforeAll(async () => {
    fleet = await Fleet.open();
    await fleet.haveImage();
    await fleet.openAllNodes();
    ({ node } = await fleet.haveRedis("cache"));
  });
  afterAll(() => fleet.remove("cache"));

  test("usage of nodes and servers, as measured", async () => {
    const server = await until("the server to be measured", 30_000, async () => {
      const top = await fleet.vctl("top", "servers", "cache", "--no-headers");
      return top.code === 0 ? top.stdout : undefined;
    });
    expect(server).toMatch(/^cache\s+\d+m\s+(\d+%|<none>)\s+[1-9]\d*Mi\s+\d+%(\s+(\d+\.\d%|<unknown>)){3}\s*$/);
    const nodes = (await fleet.does("top", "nodes", "--no-headers")).trim().split("\n");
    expect(nodes.map((line) => line.split(/\s+/)[0] ?? "").toSorted()).toEqual(
      (await fleet.nodes()).map((found) => found.metadata.name).toSorted(),
    );
    for (const line of nodes) expect(line).toMatch(/^\S+\s+\d+m\s+\d+%\s+\d+Mi\s+\d+%(\s+(\d+\.\d%|<unknown>)){3}\s*$/);
  });

  test("usage of a server that moved, measured where it is now", async () => {
    await fleet.does("migrate", "cache");
    expect((await fleet.runningStatus("cache")).nodeName).not.toBe(node);
    const top = await until("the server to be measured again", 30_000, async () => {
      const answer = await fleet.vctl("top", "servers", "cache", "--no-headers");
      return answer.code === 0 ? answer.stdout : undefined;
    });
    expect(top).toMatch(/^cache\s/);
  });

  test("events of a server's life and of its moves, oldest first", async () => {
    const events = await fleet.does("events", "--for", "virtualserver/cache");
    expect(events).toMatch(/Scheduled[^]*Running on [^]*Migrating/);
    const [migration] = await fleet.migrationsOf("cache");
    const moves = await fleet.does("events", "--for", `migration/${migration?.metadata.name}`);
    expect(moves).toMatch(/Committed[^]*Succeeded/);
  });
});
