import { expect, test } from "vitest";
import { sampleNode } from "../reconcile/samples.ts";
import { nodeLoad } from "./node-load.ts";
import { overloadOf } from "./overload.ts";
import type { SampledUse } from "./sample-telemetry.ts";
import { sampleTelemetry, stall } from "./sample-telemetry.ts";
import { policySpec } from "./simulated-fleet.ts";

const node = sampleNode("host-1");

test.each<[string, SampledUse, string | undefined]>([
  ["pressure of CPUs that are used", { milliCpu: 3000, pressure: { cpu: stall(45) } }, "cpu"],
  ["not of those that hardly are: servers' own limits", { milliCpu: 1500, pressure: { cpu: stall(45) } }, undefined],
  ["use, where pressure isn't counted", { milliCpu: 3700 }, "cpu"],
  ["not use alone, where nothing waits", { milliCpu: 4000, pressure: { cpu: stall(1) } }, undefined],
  ["much memory in use", { memoryBytes: 7.5 * 2 ** 30, pressure: { memory: stall(0) } }, "memory"],
  ["pressure of memory", { memoryBytes: 5 * 2 ** 30, pressure: { memory: stall(15) } }, "memory"],
  ["not of memory that hardly is used", { memoryBytes: 2 ** 30, pressure: { memory: stall(15) } }, undefined],
  ["pressure of I/O", { pressure: { io: stall(60) } }, "io"],
  ["the worst of several", { milliCpu: 3900, pressure: { cpu: stall(25), io: stall(90) } }, "io"],
])("counts %s", (_what, use, resource) => {
  const load = nodeLoad({ node, sample: sampleTelemetry("host-1", use), servers: [], window: "avg10Percent" });
  expect(load === undefined ? "no load" : overloadOf(load, policySpec())?.resource).toBe(resource);
});
