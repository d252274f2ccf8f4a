import { equal, ok } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { systemEnvironment } from "@vfleet/shared";
import { runBoxChecks } from "../../checks/box-check.ts";
import { mountDisk, mountRun } from "../../checks/box-disk.ts";
import { makeHostRoot } from "../../checks/host-root.ts";
import { assignmentForTests } from "../../reconcile/assignment.fixture.ts";
import { Layout } from "../layout.ts";
import { findProgram } from "../program/find-program.ts";
import { tryProgram } from "../program/run-program.ts";
import { RuncConmonDriver } from "./runc-conmon-driver.ts";
import { RuntimeArguments } from "./runtime-arguments.ts";
import { runtimeDriverContract } from "./runtime-driver.contract.ts";

const { uid } = assignmentForTests();
const layout = new Layout({ stateFolder: "/run/state", runFolder: "/run/vfleet", volumesFolder: "/run/volumes" });
const cgroupParent = "/vfleet-runtime-check";
const volumeFolder = "/run/disk/volume";
const driver = new RuncConmonDriver(
  { programs: { criu: "criu", runc: "runc", conmon: "conmon" }, cgroupParent },
  layout,
  systemEnvironment,
);

/** Of an agent's death in the middle of a start: to be seen from outside, and not to end it. */
const hookSeconds = 1;

const contract = runtimeDriverContract({
  driver: () => driver,
  environment: systemEnvironment,
  bundle: (server) => ({ server: assignmentForTests(server), volumeFolder, networkHook: ["/bin/true"] }),
  uid,
  logFile: layout.logFile(uid),
});

export const checks = [
  ...contract,
  {
    name: "leaves a container to its conmon when who starts it is killed",
    run: async () => {
      const conmon = await startAndDie();
      await until("the container to be made", async () => (await driver.inspect(uid)).state === "created");
      await driver.start(uid);
      await systemEnvironment.sleep(hookSeconds * 1000);
      ok(commandLine(conmon) !== "");
      await driver.remove(uid);
    },
  },
  {
    name: "removes a container that is only being made, with all that makes it",
    run: async () => {
      const conmon = await startAndDie();
      await driver.remove(uid);
      equal(commandLine(conmon), "");
      equal((await driver.inspect(uid)).state, "none");
    },
  },
];

/** Gives the process id of a conmon that is making a container while who has started it is gone. */
async function startAndDie(): Promise<number> {
  await driver.prepareBundle({
    server: assignmentForTests({ command: ["sleep", "600"] }),
    volumeFolder,
    networkHook: ["/bin/sleep", String(hookSeconds)],
  });
  const searchPath = process.env["PATH"] ?? "";
  const programs = { runc: findProgram("runc", searchPath), conmon: findProgram("conmon", searchPath) };
  const command = new RuntimeArguments(programs, layout).create(uid);
  const fixture = fileURLToPath(new URL("conmon-start.fixture.ts", import.meta.url));
  const starter = spawn(process.execPath, [fixture, "/run/conmon.log", ...command], { stdio: "inherit" });
  await until("conmon to run", async () => existsSync(layout.conmonPidFile(uid)));
  starter.kill("SIGKILL");
  await once(starter, "exit");
  const conmon = Number(readFileSync(layout.conmonPidFile(uid), "utf8"));
  ok(commandLine(conmon) !== "");
  return conmon;
}

/** None of a process that has ended, whether somebody has asked how or not. */
function commandLine(pid: number): string {
  const file = `/proc/${pid}/cmdline`;
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
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
  for (const folder of [layout.exitsFolder, layout.logsFolder, volumeFolder]) mkdirSync(folder, { recursive: true });
  await makeHostRoot(volumeFolder, ["sh", "cat", "sleep", "id", "stty"]);
  try {
    await runBoxChecks([...checks, { name: "the box is left clean", run: () => driver.remove(uid) }]);
  } finally {
    await tryProgram([
      "find",
      "/sys/fs/cgroup",
      "-depth",
      "-type",
      "d",
      "-name",
      cgroupParent.slice(1),
      "-exec",
      "rmdir",
      "{}",
      "+",
    ]);
  }
}
