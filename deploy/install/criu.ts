import { existsSync, lstatSync } from "node:fs";
import type { AptSnapshots } from "./apt-snapshot/snapshots.ts";
import { criuCandidates } from "./criu-choice.ts";
import type { CriuSource } from "./criu-choice.ts";
import { InstallError } from "./install-error.ts";
import type { Machine } from "./machine.ts";
import type { InstallOptions } from "./options.ts";
import { installPackages, installedVersions } from "./packages.ts";
import { findLoader, launcherScript, linkProgram, writeLauncher } from "./private-program.ts";
import type { Report } from "./report.ts";
import { run } from "./run.ts";
import type { Stamp } from "./stamp.ts";
import { installedPaths } from "./where.ts";

/** The newest suite: the only one with a CRIU for kernels since 6.16. */
const privateSuite = "sid";
const distributionProgram = "/usr/sbin/criu";

export interface CriuContext {
  readonly machine: Machine;
  readonly options: InstallOptions;
  readonly snapshots: AptSnapshots;
  readonly stamp: Stamp | undefined;
  readonly report: Report;
}

/** Leaves a CRIU that works on the running kernel at the one path where everybody starts it. */
export function installCriu(context: CriuContext): void {
  const { options, report, machine, stamp } = context;
  const path = installedPaths(options.prefix).criu;
  const present = criuVersion(path);
  const settled = stamp?.kernelRelease === machine.kernelRelease && !options.upgrade && options.criu === "auto";
  if (present !== undefined && (settled || options.checkOnly) && isUsable(path)) {
    report.add({ name: "criu", state: "ok", detail: `${present} at ${path}` });
    return;
  }
  if (options.checkOnly) {
    report.add({
      name: "criu",
      state: "missing",
      detail: `no CRIU at ${path} works on Linux ${machine.kernelRelease}`,
    });
    return;
  }
  const candidates = criuCandidates({
    choice: options.criu,
    kernelRelease: machine.kernelRelease,
    distributionVersion: offeredVersion(),
  });
  for (const candidate of candidates) {
    install(candidate, context);
    const version = criuVersion(path);
    if (version !== undefined && isUsable(path)) {
      report.add({
        name: "criu",
        state: "changed",
        detail: `${version} at ${path} (${sourceNames[candidate]}, as Linux is ${machine.kernelRelease})`,
      });
      return;
    }
    report.add({
      name: "criu",
      state: "note",
      detail: `the ${sourceNames[candidate]} fails its check on Linux ${machine.kernelRelease}`,
    });
  }
  throw new InstallError(
    "NO_WORKING_CRIU",
    `tried ${candidates.map((each) => sourceNames[each]).join(", ")}`,
    `Run "${path} check" and see what it misses`,
  );
}

const sourceNames: Readonly<Record<CriuSource, string>> = {
  distribution: "distribution's own package",
  private: "package of a newer Debian with its own libraries",
};

function install(source: CriuSource, { options, report, snapshots }: CriuContext): void {
  const paths = installedPaths(options.prefix);
  if (source === "distribution") {
    installPackages([{ name: "criu", purpose: "checkpoints and restores processes" }], report, false);
    linkProgram(paths.criu, distributionProgram);
    return;
  }
  report.doing(`fetching CRIU and its libraries from ${privateSuite}`);
  const snapshot = snapshots.suite(privateSuite);
  const root = `${paths.packagesFolder}/criu-${snapshot.version("criu") ?? "unknown"}`;
  if (!existsSync(root) || options.upgrade) snapshot.unpack("criu", { target: root, withLibraries: true });
  writeLauncher(paths.criu, launcherScript({ root, program: "usr/sbin/criu", ...findLoader(root) }));
}

export function usesDistributionCriu(prefix: string): boolean {
  return lstatSync(installedPaths(prefix).criu, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}

function offeredVersion(): string | undefined {
  const installed = installedVersions(["criu"]).get("criu");
  if (installed !== undefined) return installed;
  const candidate = /^\s*Candidate: (\S+)$/m.exec(run(["apt-cache", "policy", "criu"]).stdout)?.[1];
  return candidate === "(none)" ? undefined : candidate;
}

function criuVersion(path: string): string | undefined {
  return /^Version: (\S+)$/m.exec(run([path, "--version"], { timeoutMs: 10_000 }).stdout)?.[1];
}

function isUsable(path: string): boolean {
  return run([path, "check"], { timeoutMs: 20_000 }).ok;
}
