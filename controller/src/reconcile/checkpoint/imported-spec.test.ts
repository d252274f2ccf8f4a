import { expect, test } from "vitest";
import { placedStatus, sampleServer } from "../samples.ts";
import { serverAssignmentOf } from "../../fleet/assignment.ts";
import { importedSpec } from "./imported-spec.ts";

test("is the spec again that a host was told to run, in what that is told of", () => {
  const spec = {
    command: ["redis-server"],
    environment: { A: "b" },
    user: "7:8",
    hostname: "cache",
    isolation: "Systemd",
    resources: { limits: { cpu: "1500m", memory: "256Mi", disk: "2Gi", pids: "64" }, requests: { cpu: "250m" } },
  };
  const server = sampleServer("web", { spec, status: placedStatus("host-1") });
  const told = serverAssignmentOf(server, undefined, { uid: "u", node: "host-1", epoch: 1, earlier: [] });
  const found = importedSpec(told);
  expect(found).toMatchObject({ ...spec, image: "debian", resources: { limits: { cpu: "1500m", pids: "64" } } });
  const again = serverAssignmentOf({ ...server, spec: { ...server.spec, ...found } }, undefined, {
    uid: "u",
    node: "host-1",
    epoch: 1,
    earlier: [],
  });
  expect(again).toEqual(told);
});

test("is none of what can't be one", () => {
  expect(importedSpec({})).toBeUndefined();
  const server = sampleServer("web", { status: placedStatus("host-1") });
  const told = serverAssignmentOf(server, undefined, { uid: "u", node: "host-1", epoch: 1, earlier: [] });
  expect(importedSpec({ ...told, image: { name: "../etc", digest: "" } })).toBeUndefined();
});
