import { expect, it } from "vitest";
import { adjustableResources } from "./cgroup-resources.ts";

const limits = { requestMilliCpu: 1000, memoryBytes: 1 << 20, diskBytes: 1, pids: 5 };

it("takes a quota away where there is no CPU limit", () => {
  expect(adjustableResources(limits).cpu).toEqual({ shares: 1024, quota: -1, period: 100_000 });
});

it("stays within the shares that the kernel takes", () => {
  expect(adjustableResources({ ...limits, requestMilliCpu: 0 }).cpu.shares).toBe(2);
  expect(adjustableResources({ ...limits, requestMilliCpu: 1e9 }).cpu.shares).toBe(262_144);
});
