import { describe, expect, test } from "vitest";
import type { NodeReport } from "@vfleet/shared";
import { conditionOf, isNodeReady, nodeKind } from "@vfleet/shared";
import { sampleNode } from "../samples.ts";
import { newNode, nodeStatus } from "./node-object.ts";

const resources = { milliCpu: 1500, memoryBytes: 2 ** 31, diskBytes: 2 ** 30, servers: 20 };
const report: NodeReport = {
  node: "host-1",
  bootId: "boot",
  agentVersion: "0.1.0",
  endpoint: { host: "10.0.0.1", port: 7443 },
  underlayAddress: "10.0.0.1",
  labels: { zone: "lab" },
  capacity: resources,
  allocatable: resources,
  info: {
    machineId: "m",
    kernelVersion: "6.18",
    osImage: "Debian 12",
    architecture: "x86_64",
    runcVersion: "1.1.5",
    criuVersion: "4.2.1",
    dirtyTracking: false,
  },
  conditions: [
    { type: "Ready", status: "True" },
    { type: "CriuUsable", status: "True" },
  ],
  assignmentRevision: 0,
  network: { version: 0, digest: "" },
  servers: [],
  images: [],
  checkpoints: [],
  restores: [],
};
const base = { node: sampleNode("host-1"), report, presence: "alive" as const, now: "now" };

describe("a node's object", () => {
  test("is valid and labelled as it joins", () => {
    expect(nodeKind.schema.parse(newNode(report)).metadata.labels).toEqual({
      zone: "lab",
      "kubernetes.io/hostname": "host-1",
      "kubernetes.io/arch": "amd64",
      "kubernetes.io/os": "linux",
    });
  });

  test("says what the agent reports, in Kubernetes' words", () => {
    const status = nodeStatus(base);
    expect(status).toMatchObject({
      capacity: { cpu: "1500m", memory: "2097152Ki", "ephemeral-storage": "1048576Ki", pods: "20" },
      nodeInfo: { kubeletVersion: "v0.1.0", containerRuntimeVersion: "runc://1.1.5", architecture: "amd64" },
      fleet: { criuVersion: "4.2.1", agentEndpoint: "10.0.0.1:7443" },
    });
    expect(status.conditions?.map((condition) => `${condition.type}=${condition.status}`)).toEqual([
      "CapacityCredible=True",
      "CriuUsable=True",
      "Ready=True",
    ]);
    expect(nodeKind.schema.safeParse({ ...sampleNode("host-1"), status }).success).toBe(true);
  });

  test("offers no more than it has, and says so", () => {
    const boastful = { ...report, allocatable: { ...resources, memoryBytes: 2 ** 40 } };
    const status = nodeStatus({ ...base, report: boastful });
    expect(status.allocatable).toMatchObject({ memory: "2097152Ki" });
    expect(conditionOf(status.conditions, "CapacityCredible")).toMatchObject({ status: "False" });
  });

  test("remembers what it had when it booted, until it boots again", () => {
    const before = nodeStatus(base);
    const grown = { ...report, capacity: { ...resources, milliCpu: 64_000 } };
    const credibleIn = (report: NodeReport, status: ReturnType<typeof nodeStatus>) =>
      conditionOf(nodeStatus({ ...base, report, node: { ...base.node, status } }).conditions, "CapacityCredible");
    expect(credibleIn(grown, before)).toMatchObject({ status: "False", reason: "Grown" });
    const later = nodeStatus({ ...base, report: grown, node: { ...base.node, status: before } });
    expect(credibleIn(grown, later)).toMatchObject({ status: "False", reason: "Grown" });
    expect(credibleIn({ ...grown, bootId: "next" }, later)?.status).toBe("True");
  });

  test("says why it is not ready where its reports are refused", () => {
    const view = { ...base, presence: "lost" as const, refusal: "capacity.milliCpu: too big" };
    for (const one of [view, { ...view, report: undefined }])
      expect(conditionOf(nodeStatus(one).conditions, "Ready")).toMatchObject({
        status: "Unknown",
        reason: "ReportRefused",
        message: "Its reports are refused: capacity.milliCpu: too big",
      });
  });

  test.each([
    ["heard", base, true],
    ["silent", { ...base, presence: "lost" as const }, false],
    [
      "not ready by its own word",
      { ...base, report: { ...report, conditions: [{ type: "Ready", status: "False" as const, reason: "NoDisk" }] } },
      false,
    ],
    ["not heard since a restart, ready before", { ...base, report: undefined, presence: "unheard" as const }, true],
    ["not heard for too long since a restart", { ...base, report: undefined, presence: "lost" as const }, false],
  ])("ready when %s", (_what, view, ready) =>
    expect(isNodeReady({ ...view.node, status: nodeStatus(view) })).toBe(ready),
  );
});
