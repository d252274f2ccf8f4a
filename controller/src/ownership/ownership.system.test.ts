import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createLogger, systemEnvironment } from "@vfleet/shared";
import type { NatsConnection } from "nats";
import { TestNatsServer } from "../store/test-nats-server.ts";
import { Ownership } from "./ownership.ts";

const log = createLogger("test", "fatal");
const server = new TestNatsServer();
let connections: NatsConnection[] = [];

async function open(): Promise<Ownership> {
  const connection = await server.connect();
  connections.push(connection);
  return Ownership.open({ connection, environment: systemEnvironment, log, replicas: 1 });
}

beforeAll(() => server.start());
afterAll(async () => {
  await Promise.all(connections.map((connection) => connection.close()));
  connections = [];
  await server.stop();
});

describe("Ownership on a real NATS server", () => {
  test("of commit and abort from two controllers exactly one wins, and both say so, a hundred times", async () => {
    const [first, second] = [await open(), await open()];
    const wins = { committed: 0, aborted: 0 };
    await first.claim("u", "a");
    for (let round = 0; round < 100; round++) {
      const { node, epoch } = await first.claim("u", "a");
      const id = `op-${round}`;
      const target = node === "a" ? "b" : "a";
      await first.begin("u", { id, target });
      const [committed, aborted] = await Promise.all([
        first.commit("u", { id, node: target, epoch: epoch + 1 }),
        second.abort("u", { id, reason: "race" }),
      ]);
      expect(committed.outcome).toBe(aborted === "committed" ? "committed" : "refused");
      expect(await second.outcome("u", id)).toBe(aborted);
      expect((await second.claim("u", "x")).epoch).toBe(aborted === "committed" ? epoch + 1 : epoch);
      wins[aborted]++;
    }
    expect(wins.committed + wins.aborted).toBe(100);
  });

  test("the mirror of another controller follows, through the death of the NATS server", async () => {
    const [first, second] = [await open(), await open()];
    await first.claim("w", "a");
    await server.kill();
    await server.start();
    await first.begin("w", { id: "op", target: "b" });
    await first.commit("w", { id: "op", node: "b", epoch: 2 });
    await expect.poll(() => second.get("w"), { timeout: 15_000 }).toMatchObject({ node: "b", epoch: 2 });
    await first.drop("w");
    await expect.poll(() => second.get("w"), { timeout: 15_000 }).toBeUndefined();
  });

  test("what was dropped can be claimed anew", async () => {
    const ownership = await open();
    await ownership.claim("x", "a");
    await ownership.drop("x");
    expect(await ownership.claim("x", "b")).toMatchObject({ node: "b", epoch: 1 });
  });
});
