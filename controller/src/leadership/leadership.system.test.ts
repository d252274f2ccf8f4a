import { afterEach, beforeEach, expect, test } from "vitest";
import { createLogger, systemEnvironment } from "@vfleet/shared";
import type { NatsConnection } from "nats";
import { TestNatsServer } from "../store/test-nats-server.ts";
import { until } from "../test-until.ts";
import { Leadership } from "./leadership.ts";

const members = ["one", "two", "three"];
const leaseMs = 600;

/** A controller as far as it leads: with a connection of its own, so that it can vanish. */
interface Member {
  name: string;
  connection: NatsConnection;
  leadership: Leadership;
  wins: number;
  losses: number;
}

let server: TestNatsServer;
let running: Member[];

beforeEach(async () => {
  server = new TestNatsServer();
  await server.start();
  running = await Promise.all(members.map(start));
});

afterEach(async () => {
  await Promise.all(running.map(vanish));
  await server.stop();
});

async function start(name: string): Promise<Member> {
  const connection = await server.connect();
  const leadership = new Leadership({
    config: { member: name, members, leaseMs },
    connection,
    environment: systemEnvironment,
    log: createLogger("test", process.env["VFLEET_LOG_LEVEL"] ?? "fatal"),
    onWon: () => member.wins++,
    onLost: () => member.losses++,
  });
  const member: Member = { name, connection, leadership, wins: 0, losses: 0 };
  leadership.start();
  return member;
}

/** As a killed process: nothing is given back. */
async function vanish({ connection, leadership }: Member): Promise<void> {
  await connection.close();
  await leadership.resign();
}

const leaders = () => running.filter(({ leadership }) => leadership.isLeading);
const oneLeads = () => until("one to lead", () => (leaders().length === 1 ? leaders()[0] : undefined));

/** Takes it out of those that run; gives how long nobody led. */
async function withoutLeader(leader: Member, how: () => Promise<void> | void): Promise<number> {
  running = running.filter((member) => member !== leader);
  const startedMs = systemEnvironment.monotonicMs();
  await how();
  await oneLeads();
  return systemEnvironment.monotonicMs() - startedMs;
}

test("one of three leads, another after it vanished, and none once only one is left", async () => {
  const first = await oneLeads();
  const tookMs = await withoutLeader(first, () => vanish(first));
  // Its word is kept for that long; the rest is for a busy machine.
  expect(tookMs).toBeGreaterThan(leaseMs / 2);
  expect(tookMs).toBeLessThan(4 * leaseMs);
  const second = await oneLeads();
  const other = running.find((member) => member !== second);
  if (other === undefined) throw new Error("two should be left");
  await vanish(other);
  await until("the last one to have lost", () => second.losses === 1);
  expect([first.wins, second.wins, leaders().length]).toEqual([1, 1, 0]);
});

test("one that resigns is followed at once", async () => {
  const first = await oneLeads();
  const resignAndClose = async () => {
    await first.leadership.resign();
    await first.connection.close();
  };
  expect(await withoutLeader(first, resignAndClose)).toBeLessThan(leaseMs);
});

test("a NATS server that is away for longer than that ends it, and one of those that start anew leads", async () => {
  const first = await oneLeads();
  await server.kill();
  await until("it to have lost", () => first.losses === 1);
  expect(first.leadership.isLeading).toBe(false);
  await server.start();
  await until("another to lead", () => leaders().length === 1);
  expect(leaders()[0]).not.toBe(first);
});

test("nobody votes for a second controller of the same name", async () => {
  await oneLeads();
  const namesake = await start("one");
  running.push(namesake);
  await systemEnvironment.sleep(3 * leaseMs);
  expect(leaders().length).toBe(1);
});
