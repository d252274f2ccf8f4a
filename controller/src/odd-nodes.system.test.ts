import { expect, test } from "vitest";
import { conditionOf, nodeKind, subjects } from "@vfleet/shared";
import { sampleTelemetry } from "./rebalance/sample-telemetry.ts";
import { addAgent, isReady, server, store, until } from "./test-fleet.ts";

const conditionOfNode = (name: string, type: string) =>
  conditionOf(store.get(nodeKind, { name })?.status?.conditions, type);

test("a host whose clock is minutes off stays in the fleet and says so; one whose report can't be is not ready, and says why", async () => {
  addAgent("host-1");
  const liar = addAgent("host-2");
  await until("nodes ready", () => isReady("host-1") && isReady("host-2"));
  const connection = await server.connect();
  const atMs = Date.now() + 300_000;
  for (let sample = 0; sample < 3; sample++) {
    const telemetry = { ...sampleTelemetry("host-1", { milliCpu: 100 }), atMs };
    connection.publish(subjects.telemetry("host-1"), JSON.stringify(telemetry));
  }
  await until("a skew", () => conditionOfNode("host-1", "ClockSkew")?.status === "True");
  expect(conditionOfNode("host-1", "ClockSkew")?.message).toContain("about 5 min ahead");
  expect(isReady("host-1")).toBe(true);

  liar.capacity = { milliCpu: -1 };
  await until("not ready", () => conditionOfNode("host-2", "Ready")?.reason === "ReportRefused");
  expect(conditionOfNode("host-2", "Ready")?.message).toContain("capacity.milliCpu");
  liar.capacity = { memoryBytes: 2 ** 50 };
  await until("ready again", () => isReady("host-2"));
  expect(conditionOfNode("host-2", "CapacityCredible")).toMatchObject({ status: "False", reason: "Grown" });
  await connection.close();
});
