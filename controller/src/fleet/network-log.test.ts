import { NetworkCopy } from "@vfleet/shared";
import { expect, test } from "vitest";
import { NetworkLog } from "./network-log.ts";

test("a node that misses nothing, one that misses some and one that begins anew all come to the same map", () => {
  const log = new NetworkLog(1000);
  const always = new NetworkCopy();
  const seldom = new NetworkCopy();
  let random = 7;
  const draw = (count: number) => (random = (random * 48271) % 2147483647) % count;
  const bring = (copy: NetworkCopy, from: number, entriesMax: number) => {
    for (let at = from; at === 0 || at < log.version;) {
      const { to, ...changes } = log.since(at, entriesMax);
      copy.apply({ versions: { from: at, to, isLast: to === log.version }, ...changes });
      at = to;
    }
  };
  log.set("peers", "host-1", "10.0.0.1");
  bring(always, 0, 100);
  bring(seldom, 0, 100);
  for (let change = 0; change < 20_000; change++) {
    const address = draw(5) === 0 ? undefined : `10.0.0.${draw(9)}`;
    const isChange = log.set("servers", `mac-${draw(40)}`, address);
    if (isChange) bring(always, log.version - 1, 1);
    if (draw(500) === 0) bring(seldom, seldom.state.version, 1 + draw(10));
  }
  bring(seldom, seldom.state.version, 3);
  const fresh = new NetworkCopy();
  bring(fresh, 0, 7);
  expect(Object.keys(fresh.map.servers).length).toBeGreaterThan(10);
  for (const copy of [always, seldom, fresh]) {
    expect(copy.map).toEqual(fresh.map);
    expect(copy.state).toEqual({ version: log.version, digest: log.digest });
  }
});

test("what changes nothing has no version", () => {
  const log = new NetworkLog(10);
  expect(log.set("servers", "a", undefined)).toBe(false);
  expect(log.set("servers", "a", "1")).toBe(true);
  expect(log.set("servers", "a", "1")).toBe(false);
  expect(log.version).toBe(11);
  expect([log.isKnown(9), log.isKnown(10), log.isKnown(11), log.isKnown(12)]).toEqual([false, true, true, false]);
});
