import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { readCgroupPressure, readMachinePressure, readServerPressure } from "./pressure.ts";

/** Of cgroup version 2, alone or beside version 1. */
const root = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].find((folder) =>
  existsSync(join(folder, "cgroup.controllers")),
);
const path = `/vfleet-pressure-test-${process.pid}`;
const folder = join(root ?? "", path);
let busy: ChildProcess[] = [];

beforeEach(() => {
  mkdirSync(folder);
});

afterEach(async () => {
  for (const child of busy) child.kill("SIGKILL");
  busy = [];
  // Busy until the last of them has gone.
  await vi.waitFor(() => rmdirSync(folder), { timeout: 10_000 });
});

test.skipIf(root === undefined)("counts what waits in a cgroup, and leaves out one without processes", async () => {
  expect(await readServerPressure(path)).toEqual({});
  expect(await readServerPressure("/there-is-none")).toEqual({});
  busy = Array.from({ length: availableParallelism() * 2 }, () =>
    spawn("sh", ["-c", "while :; do :; done"], { stdio: "ignore" }),
  );
  for (const { pid } of busy) writeFileSync(join(folder, "cgroup.procs"), String(pid));
  await expect
    .poll(async () => (await readServerPressure(path)).cpu?.some.avg10Percent, { timeout: 20_000 })
    .toBeGreaterThan(10);
  expect((await readCgroupPressure(path)).cpu?.some.totalMicroseconds).toBeGreaterThan(100_000);
  expect((await readMachinePressure()).cpu?.some.avg10Percent).toBeGreaterThan(0);
});
