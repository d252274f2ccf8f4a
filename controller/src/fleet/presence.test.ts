import { expect, test } from "vitest";
import { systemEnvironment } from "@vfleet/shared";
import { sampleTelemetry } from "../rebalance/sample-telemetry.ts";
import { FleetPresence } from "./presence.ts";

test("a server's memory is that of the sample of any node that was heard last, whatever its clock says, until its node no longer names it", () => {
  const presence = new FleetPresence(systemEnvironment, 1000);
  const hear = (node: string, atMs: number, memoryBytes?: number) => {
    const servers = memoryBytes === undefined ? {} : { web: { memoryBytes } };
    presence.hearUsage({ ...sampleTelemetry(node, {}, servers), atMs });
    return presence.memoryBytes("uid-web");
  };
  expect(presence.memoryBytes("uid-web")).toBeUndefined();
  expect(hear("host-1", 1, 10)).toBe(10);
  const aheadMs = 300_000;
  expect(hear("host-2", aheadMs, 30)).toBe(30);
  expect(hear("host-1", 2, 20)).toBe(20);
  expect(hear("host-2", aheadMs + 1)).toBe(20);
  expect(hear("host-1", 3)).toBeUndefined();
});
