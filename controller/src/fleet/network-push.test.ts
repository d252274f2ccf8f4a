import type { NetworkUpdate } from "@vfleet/shared";
import { NetworkCopy, systemEnvironment } from "@vfleet/shared";
import { beforeEach, expect, test } from "vitest";
import { NetworkPush } from "./network-push.ts";

/** Time that passes when the test says so. */
class Clock {
  nowMs = 0;
  #sleeping: { dueMs: number; wake: () => void }[] = [];

  readonly environment = {
    ...systemEnvironment,
    monotonicMs: () => this.nowMs,
    sleep: (ms: number) => new Promise<void>((wake) => this.#sleeping.push({ dueMs: this.nowMs + ms, wake })),
  };

  async pass(ms: number): Promise<void> {
    const endMs = this.nowMs + ms;
    for (;;) {
      const next = this.#sleeping.toSorted((a, b) => a.dueMs - b.dueMs)[0];
      if (next === undefined || next.dueMs > endMs) break;
      this.#sleeping = this.#sleeping.filter((other) => other !== next);
      this.nowMs = next.dueMs;
      next.wake();
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    }
    this.nowMs = endMs;
  }
}

let clock: Clock;
let nodes: Map<string, NetworkCopy>;
/** Bytes that each node was sent alone, and that all were. */
let sent: { alone: number; all: number };
let isLost: boolean;

function pushOf(firstVersion: number): NetworkPush {
  const link = {
    tell: (node: string, command: string) => {
      sent.alone += command.length;
      if (!isLost) nodes.get(node)?.apply((JSON.parse(command) as { update: NetworkUpdate }).update);
    },
    tellAll: (text: string) => {
      sent.all += text.length;
      if (!isLost) for (const copy of nodes.values()) copy.apply(JSON.parse(text) as NetworkUpdate);
    },
  };
  return new NetworkPush({ environment: clock.environment, link, nodes: () => nodes.size, firstVersion });
}

async function reports(push: NetworkPush, times = 1): Promise<void> {
  for (let time = 0; time < times; time++) {
    for (const [name, copy] of nodes) push.hear(name, copy.state);
    await clock.pass(2500);
  }
}

beforeEach(() => {
  clock = new Clock();
  sent = { alone: 0, all: 0 };
  isLost = false;
  nodes = new Map(["host-1", "host-2"].map((name) => [name, new NetworkCopy()]));
});

test("a node that has nothing is sent all of it, and from then on hears what all are told", async () => {
  const push = pushOf(1000);
  push.set("peers", "host-1", "10.0.0.1");
  push.set("servers", "a", "10.0.0.1");
  await clock.pass(50);
  await reports(push);
  const { alone } = sent;
  push.set("servers", "b", "10.0.0.2");
  await clock.pass(50);
  await reports(push, 3);
  for (const { map } of nodes.values())
    expect(map).toEqual({ peers: { "host-1": "10.0.0.1" }, servers: { a: "10.0.0.1", b: "10.0.0.2" } });
  expect(sent.alone).toBe(alone);
});

test("what was lost is sent again to who has missed it, and only that", async () => {
  const push = pushOf(1000);
  for (let server = 0; server < 500; server++) push.set("servers", `mac-${server}`, "10.0.0.1");
  await clock.pass(50);
  await reports(push);
  const { alone } = sent;
  isLost = true;
  push.set("servers", "late", "10.0.0.2");
  await clock.pass(50);
  isLost = false;
  await reports(push, 3);
  for (const { map } of nodes.values()) expect(map.servers["late"]).toBe("10.0.0.2");
  expect(sent.alone - alone).toBeLessThan(500);
});

test("a large map comes in pieces, at a bounded rate, and a piece that was lost is no gap", async () => {
  const push = pushOf(1000);
  for (let server = 0; server < 25_000; server++) push.set("servers", `mac-${server}`, "10.0.0.1");
  await clock.pass(50);
  isLost = true;
  for (const [name, copy] of nodes) push.hear(name, copy.state);
  await clock.pass(100);
  isLost = false;
  await reports(push, 4);
  for (const { map } of nodes.values()) expect(Object.keys(map.servers).length).toBe(25_000);
  const before = sent.all;
  for (let server = 0; server < 25_000; server++) push.set("servers", `mac-${server}`, "10.0.0.2");
  for (let name = 3; name <= 5000; name++) nodes.set(`host-${name}`, nodes.get("host-1") as NetworkCopy);
  await clock.pass(1000);
  expect((sent.all - before) * nodes.size).toBeLessThan(17_000_000);
});

test("after another controller's start nothing is sent to who has it all", async () => {
  const fill = (push: NetworkPush) => {
    push.set("peers", "host-1", "10.0.0.1");
    for (let server = 0; server < 500; server++) push.set("servers", `mac-${server}`, "10.0.0.1");
  };
  const first = pushOf(1000);
  fill(first);
  await clock.pass(50);
  await reports(first, 2);
  first.close();
  sent = { alone: 0, all: 0 };
  const second = pushOf(2000);
  fill(second);
  await clock.pass(50);
  await reports(second);
  expect(sent.alone).toBeLessThan(500);
  second.set("servers", "new", "10.0.0.3");
  second.set("servers", "mac-1", undefined);
  await clock.pass(50);
  for (const { map } of nodes.values()) {
    expect(map.servers["new"]).toBe("10.0.0.3");
    expect(Object.keys(map.servers).length).toBe(500);
  }
});

test("news that a client waits for go ahead of what is still to be told", async () => {
  const push = pushOf(1000);
  push.set("servers", "a", "10.0.0.1");
  await clock.pass(50);
  await reports(push);
  push.setUrgently("servers", "a", "10.0.0.2");
  for (const { map } of nodes.values()) expect(map.servers).toEqual({ a: "10.0.0.2" });
  await clock.pass(50);
  await reports(push, 2);
  for (const { map } of nodes.values()) expect(map.servers).toEqual({ a: "10.0.0.2" });
});
