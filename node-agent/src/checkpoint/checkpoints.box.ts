import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { agentConfigSchema, createLogger, systemEnvironment } from "@vfleet/shared";
import type { NodeAssignment, ServerAssignment } from "@vfleet/shared";
import { runBoxChecks } from "../checks/box-check.ts";
import type { BoxCheck } from "../checks/box-check.ts";
import { mountDisk, mountRun } from "../checks/box-disk.ts";
import { makeHostRoot } from "../checks/host-root.ts";
import { unfenced } from "../fencing/unfenced.ts";
import { Engine } from "../engine/engine.ts";
import { readHostVersions } from "../engine/host-facts.ts";
import { compressProgram } from "../engine/image/image-stream.ts";
import { ImageStore } from "../engine/image/image-store.ts";
import { runProgram, tryProgram } from "../engine/program/run-program.ts";
import { assignmentForTests } from "../reconcile/assignment.fixture.ts";
import { AssignmentStore } from "../reconcile/assignment-store.ts";
import { RecordStore } from "../reconcile/record-store.ts";
import { Reconciler } from "../reconcile/reconciler.ts";
import { Checkpoints } from "./checkpoints.ts";

const cgroupParent = "/vfleet-checkpoint-check";
const unused = { ca: "/none", certificate: "/none", key: "/none" };
const config = agentConfigSchema.parse({
  node: "host-1",
  stateFolder: "/run/disk/state",
  runFolder: "/run/vfleet",
  volumesFolder: "/run/disk",
  nats: { servers: ["none"], nkeySeedFile: "/none", tls: unused },
  tls: unused,
  underlay: { address: "192.0.2.1", link: "under0" },
  cgroupParent,
  programs: { criu: `${process.env["VFLEET_PREFIX"] ?? "/opt/vfleet"}/bin/criu` },
  failpointFolder: "/run/failpoints",
});
const log = createLogger("agent", process.env["BOX_LOG"] ?? "silent");
const environment = systemEnvironment;
/** Counts in its memory, and shows it on its volume. */
const server = assignmentForTests({
  image: { name: "counting", digest: `sha256:${"0".repeat(64)}` },
  command: [
    "sh",
    "-c",
    'trap exit TERM; n=0; while :; do n=$((n+1)); echo "$n" >/count.new; mv /count.new /count; sleep 0.02; done',
  ],
});
const { uid, epoch } = server;
const other = assignmentForTests({
  ...server,
  uid: "0b3d1a9e-2222-4222-8333-444455556666",
  name: "web-2",
  awaitsRestore: true,
  network: { address: "10.200.0.21", macAddress: "02:00:0a:c8:00:15" },
  idBlockStart: server.idBlockStart + 65_536,
});
const deadlineMs = 20_000;

/** An agent without its link. */
async function startAgentParts(isMigrating: (uid: string) => boolean = () => false) {
  const engine = new Engine({ config, environment, log });
  await engine.open();
  const images = new ImageStore({
    config,
    scratchFolder: engine.layout.scratchFolder,
    volumes: engine.volumes,
    environment,
    log,
    openImage: () => Promise.reject(new Error("no peers")),
    onChange: () => {},
  });
  const reconciler = new Reconciler({
    engine,
    images,
    records: new RecordStore(engine.layout.recordsFolder),
    assignments: new AssignmentStore(engine.layout.assignmentFile),
    environment,
    log,
    bootId: "boot",
    lease: unfenced,
    isMigrating,
    onChange: () => {},
  });
  const versions = await readHostVersions(config.programs);
  const parts = { config, environment, log, engine, reconciler, versions, isMigrating, onChange: () => {} };
  const checkpoints = new Checkpoints(parts);
  await reconciler.load();
  await checkpoints.recover();
  await reconciler.open();
  return { engine, reconciler, checkpoints };
}

let agent: Awaited<ReturnType<typeof startAgentParts>>;
const volumeFile = (name: string) => join(agent.engine.volumes.volumeFolder(uid), name);
const count = () => (existsSync(volumeFile("count")) ? Number(readFileSync(volumeFile("count"), "utf8")) : 0);
const take = (checkpoint: string) =>
  agent.checkpoints.take({ kind: "checkpoint.take", checkpoint, uid, epoch, stops: false });
const restore = (operation: string, checkpoint: string, replace = true) =>
  agent.checkpoints.restore({ kind: "checkpoint.restore", operation, checkpoint, uid, epoch, replace });
const remove = (checkpoint: string) => agent.checkpoints.delete({ kind: "checkpoint.delete", checkpoint });
const reportOf = (checkpoint: string) =>
  agent.checkpoints.reports().checkpoints.find((report) => report.checkpoint === checkpoint);
const restoreOf = (operation: string) =>
  agent.checkpoints.reports().restores.find((report) => report.operation === operation);
const failpoint = (name: string, word: string) => writeFileSync(`/run/failpoints/${name}`, word);
const phase = () => agent.reconciler.reports()[0]?.phase;

async function until(what: string, isSo: () => boolean): Promise<void> {
  const endMs = environment.monotonicMs() + deadlineMs;
  while (!isSo()) {
    if (environment.monotonicMs() > endMs)
      throw new Error(`waited for ${what}: ${JSON.stringify(agent.checkpoints.reports())}`);
    await environment.sleep(10);
  }
}

function assignmentWith(revision: number, servers: ServerAssignment[]): NodeAssignment {
  return { node: "host-1", revision, servers, releases: [], images: [] };
}

let countTaken = 0;

export const checks: BoxCheck[] = [
  {
    name: "takes a checkpoint of a server that goes on counting, once however often it is told to",
    run: async () => {
      await until("the server to count", () => count() > 10);
      await take("first");
      await take("first");
      equal(reportOf("first")?.phase, "Taking");
      await until("the checkpoint", () => reportOf("first")?.phase === "Ready");
      countTaken = count();
      const { pauseMs, memoryBytes, volumeBytes } = agent.checkpoints.describe({
        kind: "checkpoint.describe",
        checkpoint: "first",
      });
      ok(pauseMs > 0 && memoryBytes > 0 && volumeBytes > 0);
      await until("it to go on", () => count() > countTaken + 5);
      await take("first");
      equal(agent.checkpoints.reports().checkpoints.length, 1);
    },
  },
  {
    name: "refuses another epoch, another server's checkpoint, one that is not here, and a running server without leave",
    run: async () => {
      const stale = { checkpoint: "second", uid, epoch: epoch + 1, stops: false };
      await rejects(agent.checkpoints.take({ kind: "checkpoint.take", ...stale }), { code: "epoch-stale" });
      await rejects(restore("r-0", "nowhere"), { code: "checkpoint-missing" });
      await rejects(restore("r-0", "first", false), { code: "checkpoint-restore-refused" });
      equal(phase(), "Running");
      deepEqual(agent.checkpoints.reports().restores, []);
    },
  },
  {
    name: "brings back memory and volume in the server's place, and the server goes on from there",
    run: async () => {
      writeFileSync(volumeFile("later"), "");
      await until("it to be far on", () => count() > countTaken + 50);
      const before = count();
      await restore("r-1", "first");
      await restore("r-1", "first");
      await rejects(remove("first"), { code: "checkpoint-in-use" });
      await rejects(async () => agent.checkpoints.requireFree(uid), { code: "checkpoint-under-way" });
      await until("the restore", () => restoreOf("r-1")?.phase !== "Restoring");
      equal(restoreOf("r-1")?.phase, "Succeeded", restoreOf("r-1")?.message);
      const restored = count();
      ok(restored < before, `${restored} after ${before}`);
      ok(!existsSync(volumeFile("later")));
      await until("it to go on", () => count() > restored + 5);
      await until("it to be said", () => phase() === "Running");
      deepEqual(await agent.engine.volumes.listSnapshots(), ["checkpoint.first"]);
    },
  },
  {
    name: "starts the server from the volume it had where a restore fails",
    run: async () => {
      writeFileSync(volumeFile("later"), "");
      failpoint("checkpoint.restore.post-restore", "refuse-once");
      await restore("r-2", "first");
      await until("the restore to fail", () => restoreOf("r-2")?.phase === "Failed");
      await until("the server to run", () => phase() === "Running");
      ok(existsSync(volumeFile("later")));
      deepEqual(await agent.engine.volumes.listSnapshots(), ["checkpoint.first"]);
      await until("it to begin anew", () => count() < 30);
    },
  },
  {
    name: "an agent that is started again undoes a restore that was not finished, and keeps what is whole",
    run: async () => {
      writeFileSync(volumeFile("kept"), "");
      failpoint("checkpoint.restore.post-restore", "hold");
      agent.reconciler.close();
      const dying = fork(fileURLToPath(import.meta.url), ["restore-and-die"]);
      const work = "/run/disk/state/operations/r-3-restore/restore.log";
      await until("the gate", () => existsSync(work) && readFileSync(work, "utf8").includes("post-restore"));
      dying.kill("SIGKILL");
      await once(dying, "exit");
      rmSync("/run/failpoints/checkpoint.restore.post-restore");
      agent = await startAgentParts();
      ok(existsSync(volumeFile("kept")));
      await until("the server to run", () => phase() === "Running");
      deepEqual(await agent.engine.volumes.listSnapshots(), ["checkpoint.first"]);
      equal(reportOf("first")?.phase, "Ready");
    },
  },
  {
    name: "gives it as an archive to whom it was offered, once, and to the controller, and keeps one that comes",
    run: async () => {
      const offered = { kind: "checkpoint.offer" as const, checkpoint: "first", to: "host-2" };
      agent.checkpoints.offer(offered);
      await rejects(async () => agent.checkpoints.send("first", "node:host-3"), { code: "checkpoint-not-offered" });
      agent.checkpoints.send("first", "node:host-2").destroy();
      await rejects(async () => agent.checkpoints.send("first", "node:host-2"), { code: "checkpoint-not-offered" });
      await agent.checkpoints.receive("copy", compressProgram(agent.checkpoints.send("first", "controller")));
      equal(reportOf("copy")?.phase, "Ready");
      deepEqual(await agent.engine.volumes.listSnapshots(), ["checkpoint.copy", "checkpoint.first"]);
      const cut = compressProgram(agent.checkpoints.send("first", "controller").take(3));
      await rejects(agent.checkpoints.receive("cut", cut), { code: "checkpoint-damaged" });
      deepEqual(await agent.engine.volumes.listSnapshots(), ["checkpoint.copy", "checkpoint.first"]);
    },
  },
  {
    name: "restores it as another server with other ids and another address, beside the first",
    run: async () => {
      await agent.reconciler.apply(assignmentWith(2, [server, other]), undefined);
      await until("it to wait", () => agent.reconciler.reports().some(({ reason }) => reason === "AwaitingRestore"));
      await agent.checkpoints.restore({
        kind: "checkpoint.restore",
        operation: "r-5",
        checkpoint: "copy",
        uid: other.uid,
        epoch,
        replace: false,
      });
      await until("the restore", () => (restoreOf("r-5")?.phase ?? "Restoring") !== "Restoring");
      equal(restoreOf("r-5")?.phase, "Succeeded", restoreOf("r-5")?.message);
      const file = join(agent.engine.volumes.volumeFolder(other.uid), "count");
      const otherCount = () => (existsSync(file) ? Number(readFileSync(file, "utf8")) : 0);
      const restored = otherCount();
      ok(restored >= countTaken - 5, `${restored} after ${countTaken}`);
      await until("it to go on", () => otherCount() > restored + 5);
      await until("both to run", () => agent.reconciler.reports().every((report) => report.phase === "Running"));
      const { pid } = (await agent.engine.runtime.inspect(other.uid)) as { pid: number };
      ok(readFileSync(`/proc/${pid}/uid_map`, "utf8").includes(String(other.idBlockStart)));
      const releases = [{ uid: other.uid, epoch: other.epoch }];
      await agent.reconciler.apply({ ...assignmentWith(3, [server]), releases }, undefined);
      await until("it to be gone", () => agent.reconciler.reports().length === 1);
      await remove("copy");
    },
  },
  {
    name: "ends the server with its checkpoint, to the moment, and lets it go on from there",
    run: async () => {
      await until("it to count", () => count() > 20);
      const { pid } = (await agent.engine.runtime.inspect(uid)) as { pid: number };
      const suspend = { kind: "checkpoint.take" as const, checkpoint: "suspended", uid, epoch, stops: true };
      failpoint("checkpoint.take.post-dump", "refuse-once");
      await agent.checkpoints.take({ ...suspend, checkpoint: "refused" });
      await until("it to be refused", () => reportOf("refused")?.phase === "Failed");
      const counted = count();
      await until("it to count on", () => count() > counted + 5);
      await agent.checkpoints.take(suspend);
      await until("its checkpoint", () => reportOf("suspended")?.phase === "Ready");
      await until(
        "it to be suspended",
        () => agent.reconciler.reports()[0]?.reason === "Suspended" && phase() === "Stopped",
      );
      ok(!existsSync(`/proc/${pid}`));
      const stopped = count();
      await agent.reconciler.apply(assignmentWith(4, [{ ...server, run: false }]), undefined);
      await until(
        "it to be stopped",
        () => phase() === "Stopped" && agent.reconciler.reports()[0]?.reason === undefined,
      );
      await agent.reconciler.apply(assignmentWith(5, [{ ...server, awaitsRestore: true }]), undefined);
      await until("it to wait", () => agent.reconciler.reports()[0]?.reason === "AwaitingRestore");
      await restore("r-6", "suspended", false);
      await until("the restore", () => (restoreOf("r-6")?.phase ?? "Restoring") !== "Restoring");
      equal(restoreOf("r-6")?.phase, "Succeeded", restoreOf("r-6")?.message);
      await until("it to go on", () => count() > stopped + 5);
      await agent.reconciler.apply(assignmentWith(6, [server]), undefined);
      await until("it to run", () => phase() === "Running");
      ok(count() > stopped);
      await remove("suspended");
      await remove("refused");
    },
  },
  {
    name: "an agent that is started again lets a server go on whose suspension was not finished",
    run: async () => {
      failpoint("checkpoint.take.post-dump", "hold");
      agent.reconciler.close();
      const dying = fork(fileURLToPath(import.meta.url), ["suspend-and-die"]);
      const log = "/run/disk/state/operations/unfinished-take/dump.log";
      await until("the gate", () => existsSync(log) && readFileSync(log, "utf8").includes("post-dump"));
      dying.kill("SIGKILL");
      await once(dying, "exit");
      rmSync("/run/failpoints/checkpoint.take.post-dump");
      const stopped = count();
      agent = await startAgentParts();
      await until("it to go on", () => count() > stopped + 5);
      await until("it to be said", () => phase() === "Running");
      equal(reportOf("unfinished"), undefined);
    },
  },
  {
    name: "deletes a checkpoint with its snapshot, also when it is gone",
    run: async () => {
      await remove("first");
      await remove("first");
      deepEqual(agent.checkpoints.reports().checkpoints, []);
      deepEqual(await agent.engine.volumes.listSnapshots(), []);
      ok(!existsSync("/run/disk/state/checkpoints/first"));
      await rejects(restore("r-4", "first"), { code: "checkpoint-missing" });
    },
  },
];

if (import.meta.main && process.argv[2] === "restore-and-die") {
  agent = await startAgentParts();
  await restore("r-3", "first");
} else if (import.meta.main && process.argv[2] === "suspend-and-die") {
  agent = await startAgentParts();
  await agent.checkpoints.take({ kind: "checkpoint.take", checkpoint: "unfinished", uid, epoch, stops: true });
} else if (import.meta.main) {
  await mountRun();
  await mountDisk("/run/disk", 1 << 30);
  await runProgram(["mkdir", "-p", "/run/disk/state", "/run/failpoints"]);
  await runProgram(["ip", "link", "set", "lo", "up"]);
  await runProgram(["ip", "link", "add", "under0", "type", "bridge"]);
  await runProgram(["ip", "address", "add", "192.0.2.1/24", "dev", "under0"]);
  await runProgram(["ip", "link", "set", "under0", "up"]);
  agent = await startAgentParts();
  const draft = await agent.engine.volumes.draftImage();
  await makeHostRoot(draft.folder, ["sh", "sleep", "mv"]);
  await draft.seal(server.image.digest);
  await agent.reconciler.apply(assignmentWith(1, [server]), undefined);
  try {
    await runBoxChecks(checks);
  } finally {
    agent.reconciler.close();
    await agent.engine.deleteServer(uid);
    const folders = ["-depth", "-type", "d", "-name", cgroupParent.slice(1)];
    await tryProgram(["find", "/sys/fs/cgroup", ...folders, "-exec", "rmdir", "{}", "+"]);
  }
  process.exit(0);
}
