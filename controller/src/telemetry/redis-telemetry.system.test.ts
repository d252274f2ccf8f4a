import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { NodeTelemetry } from "@vfleet/shared";
import { createLogger, systemEnvironment } from "@vfleet/shared";
import { RedisTelemetry } from "./redis-telemetry.ts";

const folder = mkdtempSync(join(tmpdir(), "vfleet-redis-"));
const socket = join(folder, "redis.sock");
let redis: ChildProcess;
let telemetry: RedisTelemetry;
/** Of the controller. */
let nowMs = 0;

function startRedis(): void {
  redis = spawn(
    "redis-server",
    ["--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no", "--dir", folder],
    { stdio: "ignore" },
  );
}

async function stopRedis(): Promise<void> {
  const ended = new Promise((resolve) => redis.once("exit", resolve));
  redis.kill("SIGKILL");
  await ended;
}

beforeAll(() => {
  startRedis();
  telemetry = new RedisTelemetry({
    url: socket,
    log: createLogger("test", "silent"),
    environment: { ...systemEnvironment, nowMs: () => ++nowMs },
  });
});

afterAll(async () => {
  await telemetry.close();
  await stopRedis();
  rmSync(folder, { recursive: true });
});

function sample(node: string, atMs: number, milliCpu: number): NodeTelemetry {
  const usage = {
    milliCpu,
    memoryBytes: 1000,
    diskBytes: 0,
    pids: 1,
    receivedBytesPerSecond: 0,
    sentBytesPerSecond: 0,
  };
  return {
    node,
    atMs,
    host: { ...usage, pressure: { cpu: { some: { avg10Percent: 12, avg60Percent: 3, totalMicroseconds: 4 } } } },
    servers: [{ uid: "u", namespace: "default", name: "web", usage, pressure: {} }],
  };
}

async function written(milliCpu: number, sampleOf: NodeTelemetry): Promise<void> {
  await expect
    .poll(
      async () => {
        telemetry.write(sampleOf);
        return (await telemetry.nodes().catch(() => undefined))?.get(sampleOf.node)?.milliCpu;
      },
      { timeout: 10_000 },
    )
    .toBe(milliCpu);
}

test("keeps the latest of every node, and of a server that has moved the one heard last, whatever the hosts' clocks say", async () => {
  await written(200, sample("host-2", 2000, 200));
  await written(100, sample("host-1", 1000, 100));
  expect([...(await telemetry.nodes()).keys()].toSorted()).toEqual(["host-1", "host-2"]);
  await expect
    .poll(async () => (await telemetry.servers()).get("default/web"))
    .toMatchObject({ atMs: nowMs, milliCpu: 100 });
});

test("without Redis it drops samples, rejects readers, and comes back by itself", async () => {
  await stopRedis();
  await expect
    .poll(
      () =>
        telemetry.nodes().then(
          () => "answered",
          () => "rejected",
        ),
      { timeout: 5000 },
    )
    .toBe("rejected");
  telemetry.write(sample("host-1", 3000, 300));
  startRedis();
  await written(400, sample("host-1", 4000, 400));
});
