import { mkdirSync } from "node:fs";
import { systemEnvironment } from "@vfleet/shared";
import { runBoxChecks } from "../../checks/box-check.ts";
import { mountDisk, mountRun } from "../../checks/box-disk.ts";
import { makeHostRoot } from "../../checks/host-root.ts";
import { assignmentForTests } from "../../reconcile/assignment.fixture.ts";
import { Layout } from "../layout.ts";
import { tryProgram } from "../program/run-program.ts";
import { RuncConmonDriver } from "./runc-conmon-driver.ts";
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

export const checks = runtimeDriverContract({
  driver: () => driver,
  environment: systemEnvironment,
  bundle: (server) => ({ server: assignmentForTests(server), volumeFolder, networkHook: ["/bin/true"] }),
  uid,
  logFile: layout.logFile(uid),
});

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
