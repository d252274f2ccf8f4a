import { describe, expect, test } from "vitest";
import { placedStatus, sampleNode, sampleServer } from "../reconcile/samples.ts";
import { nodeLoad } from "./node-load.ts";
import type { SampledUse } from "./sample-telemetry.ts";
import { sampleTelemetry, stall } from "./sample-telemetry.ts";

interface Wanting {
  use: SampledUse;
  host?: SampledUse;
  spec?: object;
}

/** CPU that is wanted on a host of 4 by its only server and by the node, in per cent. */
function wanted({ use, host = {}, spec = {} }: Wanting): { server: number; node: number } {
  const server = sampleServer("web", { spec, status: placedStatus("host-1") });
  const sample = sampleTelemetry("host-1", host, { web: use });
  const load = nodeLoad({ node: sampleNode("host-1"), sample, servers: [server], window: "avg10Percent" });
  return { server: load?.servers.get("uid-web")?.milliCpu ?? -1, node: Math.round(load?.load.cpu ?? -1) };
}

describe("what is wanted", () => {
  test.each<[string, Wanting, { server: number; node: number }]>([
    ["is what is used, where nothing waits", { use: { milliCpu: 1000 } }, { server: 1000, node: 25 }],
    [
      "is more, where it waits half of the time",
      { use: { milliCpu: 1000, pressure: { cpu: stall(50) } } },
      { server: 2000, node: 50 },
    ],
    [
      "is four times as much at most",
      { use: { milliCpu: 500, pressure: { cpu: stall(99) } } },
      { server: 2000, node: 50 },
    ],
    [
      "is never more than its node has",
      { use: { milliCpu: 3000, pressure: { cpu: stall(90) } } },
      { server: 4000, node: 100 },
    ],
    [
      "is never more than its own limit: there it waits for itself",
      { use: { milliCpu: 1000, pressure: { cpu: stall(80) } }, spec: { resources: { limits: { cpu: "1" } } } },
      { server: 1000, node: 25 },
    ],
    [
      "is twice as much at most, where only the node's waiting is known and it has no more to give",
      { use: { milliCpu: 1000 }, host: { milliCpu: 4000, pressure: { cpu: stall(90) } } },
      { server: 2000, node: 125 },
    ],
    [
      "is what is used, where the node has more to give",
      { use: { milliCpu: 1000 }, host: { milliCpu: 2000, pressure: { cpu: stall(90) } } },
      { server: 1000, node: 50 },
    ],
  ])("%s", (_what, wanting, expected) => expect(wanted(wanting)).toEqual(expected));
});

describe("servers that wait for each other", () => {
  const limited = { resources: { limits: { cpu: "1" } } };
  function contention(...pressures: [SampledUse["pressure"], SampledUse["pressure"]]): number | undefined {
    const servers = [
      sampleServer("limited", { spec: limited, status: placedStatus("host-1") }),
      sampleServer("other", { status: placedStatus("host-1") }),
    ];
    const [ofLimited = {}, ofOther = {}] = pressures;
    const uses = { limited: { milliCpu: 980, pressure: ofLimited }, other: { milliCpu: 1500, pressure: ofOther } };
    const sample = sampleTelemetry("host-1", { pressure: { cpu: stall(60) } }, uses);
    return nodeLoad({ node: sampleNode("host-1"), sample, servers, window: "avg10Percent" })?.cpuContentionPercent;
  }

  test("are not those that their own limit holds back", () =>
    expect(contention({ cpu: stall(60) }, { cpu: stall(2) })).toBe(2));

  test("are those that no limit holds back", () => expect(contention({ cpu: stall(60) }, { cpu: stall(35) })).toBe(35));

  test("are not known where one is at its limit and the other isn't counted", () =>
    expect(contention({}, {})).toBeUndefined());
});

test("a server's part of the waiting for disks is by how long it waits itself", () => {
  const servers = ["a", "b"].map((name) => sampleServer(name, { status: placedStatus("host-1") }));
  const uses = { a: { pressure: { io: stall(30) } }, b: { pressure: { io: stall(10) } } };
  const sample = sampleTelemetry("host-1", { pressure: { io: stall(40) } }, uses);
  const load = nodeLoad({ node: sampleNode("host-1"), sample, servers, window: "avg60Percent" });
  expect([...(load?.servers.values() ?? [])].map(({ ioPercent }) => ioPercent)).toEqual([30, 10]);
});
