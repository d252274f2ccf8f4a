import { AptSnapshots } from "./apt-snapshot/snapshots.ts";
import { installCriu, usesDistributionCriu } from "./criu.ts";
import type { CriuContext } from "./criu.ts";
import { installGuestSystem } from "./guest-system.ts";
import type { Machine } from "./machine.ts";
import { checkIdentity, runMigrationCheck } from "./migration-check.ts";
import type { InstallOptions } from "./options.ts";
import { hostPackages, testPackages, vmPackages } from "./package-list.ts";
import { installPackages } from "./packages.ts";
import { installPgbench } from "./pgbench.ts";
import { preflight } from "./preflight.ts";
import type { Report } from "./report.ts";
import { installSnapshotProgram, kubectls, natsServer } from "./snapshot-program.ts";
import { readStamp, writeStamp } from "./stamp.ts";
import { applySysctls } from "./sysctl.ts";

/** Brings the machine to where it can run and move virtual servers. What is so already is only reported. */
export function install(machine: Machine, options: InstallOptions, report: Report): void {
  if (!preflight(machine, report)) return;
  const stamp = readStamp(options.prefix);
  const snapshots = new AptSnapshots({
    folder: `${options.prefix}/apt`,
    codename: machine.codename,
    mirror: options.mirror,
  });
  const context = { machine, options, snapshots, stamp, report };
  try {
    installAll(context);
    if (report.ok && options.migrationCheck) checkMigration(context);
  } finally {
    snapshots.close();
  }
}

function installAll(context: CriuContext): void {
  const { options, report } = context;
  const { checkOnly, withTestTools, withVm } = options;
  const extra = [...(withTestTools ? testPackages : []), ...(withVm ? vmPackages : [])];
  installPackages([...hostPackages, ...extra], report, checkOnly);
  if (withTestTools) installPgbench(options.prefix, report, checkOnly);
  if (withVm) installGuestSystem(options.prefix, report, checkOnly);
  installCriu(context);
  for (const program of withTestTools ? [natsServer, ...kubectls] : [natsServer])
    installSnapshotProgram(program, context);
  applySysctls(report, checkOnly);
}

function checkMigration(context: CriuContext): void {
  const { machine, options, report, stamp } = context;
  if (stamp?.checkedWith === checkIdentity(options.prefix, machine.kernelRelease) && !report.hasChanges) {
    report.add({ name: "migration check", state: "ok", detail: "passed before with the same kernel, CRIU and runc" });
    return;
  }
  report.doing("checkpointing and restoring a container with an open TCP connection");
  let steps = runMigrationCheck(options.prefix);
  const isPassed = steps.every(({ state }) => state !== "failed");
  // CRIU's own check passes on some kernels on which a real dump then fails.
  if (!isPassed && options.criu === "auto" && !options.checkOnly && usesDistributionCriu(options.prefix)) {
    report.add({
      name: "criu",
      state: "note",
      detail: "the distribution's own package cannot move a container on this kernel",
    });
    installCriu({ ...context, stamp: undefined, options: { ...options, criu: "private" } });
    steps = runMigrationCheck(options.prefix);
  }
  for (const step of steps) report.add(step);
  if (!report.ok || options.checkOnly) return;
  const checkedWith = checkIdentity(options.prefix, machine.kernelRelease);
  writeStamp(options.prefix, { version: 1, kernelRelease: machine.kernelRelease, checkedWith });
}
