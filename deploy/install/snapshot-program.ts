import { existsSync } from "node:fs";
import type { AptSnapshots } from "./apt-snapshot/snapshots.ts";
import { InstallError } from "./install-error.ts";
import type { InstallOptions } from "./options.ts";
import { linkProgram } from "./private-program.ts";
import type { Report } from "./report.ts";
import { run } from "./run.ts";
import { isAtLeast } from "@vfleet/shared";
import { installedPaths } from "./where.ts";

/** A program taken from a newer Debian that runs with the machine's own libraries, or with none. */
export interface SnapshotProgram {
  /** Its name under the prefix's `bin`. */
  readonly name: string;
  readonly packageName: string;
  readonly program: string;
  /** Best first; the next is tried where one does not run. */
  readonly suites: readonly string[];
  readonly versionCommand: readonly string[];
  readonly minimumVersion: string;
}

/** `sync_interval: always`, without which an acknowledged write can be lost, came with 2.10. */
export const natsServer: SnapshotProgram = {
  name: "nats-server",
  packageName: "nats-server",
  program: "usr/sbin/nats-server",
  suites: ["sid", "trixie"],
  versionCommand: ["--version"],
  minimumVersion: "2.10",
};

/** The oldest and the newest kubectl that the API promises to work with. */
export const kubectls: readonly SnapshotProgram[] = [kubectl("1.32", "trixie"), kubectl("1.36", "sid")];

function kubectl(version: string, suite: string): SnapshotProgram {
  return {
    name: `kubectl-${version}`,
    packageName: "kubectl",
    program: "usr/bin/kubectl",
    suites: [suite],
    versionCommand: ["version", "--client"],
    minimumVersion: version,
  };
}

export interface ProgramContext {
  readonly options: InstallOptions;
  readonly snapshots: AptSnapshots;
  readonly report: Report;
}

export function installSnapshotProgram(wanted: SnapshotProgram, { options, snapshots, report }: ProgramContext): void {
  const paths = installedPaths(options.prefix);
  const path = `${paths.binFolder}/${wanted.name}`;
  const present = workingVersion(path, wanted);
  if (present !== undefined && !options.upgrade) {
    report.add({ name: wanted.name, state: "ok", detail: `${present} at ${path}` });
    return;
  }
  if (options.checkOnly) {
    report.add({
      name: wanted.name,
      state: "missing",
      detail: `no ${wanted.packageName} ${wanted.minimumVersion} or newer at ${path}`,
    });
    return;
  }
  for (const suite of wanted.suites) {
    report.doing(`fetching ${wanted.packageName} from ${suite}`);
    const snapshot = snapshots.suite(suite);
    const target = `${wanted.packageName}-${snapshot.version(wanted.packageName) ?? "unknown"}`;
    const root = `${paths.packagesFolder}/${target}`;
    if (!existsSync(root) || options.upgrade)
      snapshot.unpack(wanted.packageName, { target: root, withLibraries: false });
    linkProgram(path, `${root}/${wanted.program}`);
    const version = workingVersion(path, wanted);
    if (version !== undefined) {
      report.add({ name: wanted.name, state: "changed", detail: `installed ${version} at ${path} (from ${suite})` });
      return;
    }
  }
  throw new InstallError(
    "NO_WORKING_PACKAGE",
    `${wanted.packageName} of ${wanted.suites.join(", ")}`,
    `Run "${path} ${wanted.versionCommand.join(" ")}" and see why`,
  );
}

function workingVersion(path: string, wanted: SnapshotProgram): string | undefined {
  const printed = run([path, ...wanted.versionCommand], { timeoutMs: 10_000 });
  const version = printed.ok ? /v(\d+\.\d+\.\d+)/.exec(printed.stdout)?.[1] : undefined;
  return version !== undefined && isAtLeast(version, wanted.minimumVersion) ? version : undefined;
}
