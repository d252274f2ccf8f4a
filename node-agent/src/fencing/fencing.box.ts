import { deepEqual, equal, notEqual, ok } from "node:assert/strict";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { systemEnvironment } from "@vfleet/shared";
import { runBoxChecks } from "../checks/box-check.ts";
import { mountDisk, mountRun } from "../checks/box-disk.ts";
import { makeHostRoot } from "../checks/host-root.ts";
import { Layout } from "../engine/layout.ts";
import { tryProgram } from "../engine/program/run-program.ts";
import { RuncConmonDriver } from "../engine/runtime/runc-conmon-driver.ts";
import { assignmentForTests } from "../reconcile/assignment.fixture.ts";
import { bootClockMs } from "./boot-clock.ts";

const uids = {
  free: "0b3d1a9e-1111-4222-8333-000000000001",
  held: "0b3d1a9e-1111-4222-8333-000000000002",
  waiting: "0b3d1a9e-1111-4222-8333-000000000003",
};
const layout = new Layout({ stateFolder: "/run/state", runFolder: "/run/vfleet", volumesFolder: "/run/volumes" });
const cgroupParent = "/vfleet-fencing-check";
const leaseMs = 4000;
/** Of which as much is left when servers are frozen as a renewal takes on a busy machine. */
const longLeaseMs = 8000;
const holders: ChildProcess[] = [];
const driver = new RuncConmonDriver(
  { programs: { criu: "criu", runc: "runc", conmon: "conmon" }, cgroupParent },
  layout,
  systemEnvironment,
);
/** Says a dot every 20 ms, so that a pause shows. */
const ticking = ["sh", "-c", "while :; do sleep 0.02; echo . >>/ticks; done"];

export const checks = [
  {
    name: "servers die before the lease ends when the agent is killed and stays dead, and those that wait run on",
    run: async () => {
      await startServers();
      const holder = await holdLease();
      const killedAtMs = bootClockMs();
      await kill(holder);
      const isFrozen = (name: keyof typeof uids) => existsSync(`${layout.fencingFolder}/frozen/${uids[name]}`);
      await until("the server to be frozen", () => isFrozen("free"));
      ok(!isFrozen("held"));
      await until("both to be dead", async () => !(await runs("free")) && !(await runs("held")));
      const tookMs = bootClockMs() - killedAtMs;
      ok(tookMs > leaseMs / 4 && tookMs < leaseMs, `dead after ${tookMs} ms of a lease of ${leaseMs}`);
      ok(await runs("waiting"));
      ok(ticks("waiting"));
    },
  },
  {
    name: "an agent that begins without a lease ends what still runs, where nothing else has",
    run: async () => {
      await kill(Number(readFileSync(`${layout.fencingFolder}/pid`, "utf8")));
      await removeServers();
      await startServers();
      ok(ticks("free"));
      const holder = startHolder(leaseMs);
      await until("both to be dead", async () => !(await runs("free")) && !(await runs("held")));
      ok(await runs("waiting"));
      ok(existsSync(`${layout.fencingFolder}/ended/${uids.free}`));
      await kill(holder);
      await removeServers();
    },
  },
  {
    name: "a server that was frozen goes on when the lease is renewed in time",
    run: async () => {
      const holder = await holdLease(longLeaseMs);
      await startServers();
      const before = await pidOf("free");
      holder.stdin?.write("silence\n");
      await until("the server to be frozen", () => existsSync(`${layout.fencingFolder}/frozen/${uids.free}`));
      holder.stdin?.write("answer\n");
      await until("the server to go on", () => ticks("free"));
      await systemEnvironment.sleep(longLeaseMs / 4);
      equal(await pidOf("free"), before);
      ok(ticks("free"));
      const fence = Number(readFileSync(`${layout.fencingFolder}/pid`, "utf8"));
      await kill(fence);
      await until("another one in its place", () => {
        const now = Number(readFileSync(`${layout.fencingFolder}/pid`, "utf8"));
        return now !== fence && existsSync(`/proc/${now}`);
      });
      holder.stdin?.write("silence\n");
      await until("it to be dead", async () => !(await runs("free")));
      deepEqual(await runs("waiting"), true);
      await kill(holder);
      await removeServers();
    },
  },
];

async function startServers(): Promise<void> {
  for (const uid of Object.values(uids)) {
    const server = assignmentForTests({ uid, command: ticking });
    await driver.prepareBundle({ server, volumeFolder: `/run/disk/${uid}`, networkHook: ["/bin/true"] });
    await driver.create(uid);
    await driver.start(uid);
  }
  await until("them to tick", () => ticks("free") && ticks("held") && ticks("waiting"));
}

async function removeServers(): Promise<void> {
  for (const uid of Object.values(uids)) await driver.remove(uid);
}

async function runs(name: keyof typeof uids): Promise<boolean> {
  return (await driver.inspect(uids[name])).state === "running";
}

async function pidOf(name: keyof typeof uids): Promise<number> {
  const container = await driver.inspect(uids[name]);
  notEqual(container.state, "none");
  return container.state === "running" ? container.pid : 0;
}

/** Whether it does something just now. */
function ticks(name: keyof typeof uids): boolean {
  const file = `/run/disk/${uids[name]}/ticks`;
  const length = () => (existsSync(file) ? readFileSync(file).length : 0);
  const before = length();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 250);
  return length() > before;
}

function startHolder(ms: number): ChildProcess {
  const fixture = fileURLToPath(new URL("lease-holder.fixture.ts", import.meta.url));
  const holder = spawn(
    process.execPath,
    [fixture, layout.fencingFolder, cgroupParent, uids.free, `${uids.held}=held`],
    { stdio: ["pipe", "pipe", "inherit"], env: { ...process.env, LEASE_MS: String(ms) } },
  );
  holders.push(holder);
  return holder;
}

async function holdLease(ms = leaseMs): Promise<ChildProcess> {
  const holder = startHolder(ms);
  if (holder.stdout !== null) await once(holder.stdout, "data");
  return holder;
}

async function kill(target: ChildProcess | number): Promise<void> {
  if (typeof target !== "number") {
    target.kill("SIGKILL");
    await once(target, "exit");
    return;
  }
  process.kill(target, "SIGKILL");
  // A zombie where its parent hasn't asked: that doesn't run either.
  await until("it to be gone", () => !existsSync(`/proc/${target}/exe`) || commandLine(target) === "");
}

function commandLine(pid: number): string {
  return existsSync(`/proc/${pid}/cmdline`) ? readFileSync(`/proc/${pid}/cmdline`, "utf8") : "";
}

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = systemEnvironment.monotonicMs() + 10_000;
  while (!(await isSo())) {
    if (systemEnvironment.monotonicMs() > deadlineMs) throw new Error(`waited for ${what}`);
    await systemEnvironment.sleep(10);
  }
}

if (import.meta.main) {
  await mountRun();
  await mountDisk("/run/disk", 1 << 29);
  mkdirSync(layout.containersFolder, { recursive: true, mode: 0o711 });
  for (const folder of [layout.exitsFolder, layout.logsFolder]) mkdirSync(folder, { recursive: true });
  for (const uid of Object.values(uids)) {
    mkdirSync(`/run/disk/${uid}`);
    await makeHostRoot(`/run/disk/${uid}`, ["sh", "sleep"]);
  }
  try {
    await runBoxChecks(checks);
  } finally {
    for (const holder of holders) holder.kill("SIGKILL");
    await removeServers();
    const folders = ["-depth", "-type", "d", "-name", cgroupParent.slice(1)];
    await tryProgram(["find", "/sys/fs/cgroup", ...folders, "-exec", "rmdir", "{}", "+"]);
  }
}
