import { expect, it } from "vitest";
import { gratuitousArp } from "./announcement.ts";

it("is a broadcast ARP request of the server for itself", () => {
  const frame = gratuitousArp({ macAddress: "02:00:0a:c8:00:14", address: "10.200.0.20" });
  expect(frame.toString("hex")).toBe(
    `${"ff".repeat(6)}02000ac800140806000108000604000102000ac800140ac80014${"00".repeat(6)}0ac80014${"00".repeat(18)}`,
  );
});
