import { existsSync } from "node:fs";
import { InstallError } from "./install-error.ts";
import { linkProgram } from "./private-program.ts";
import type { Report } from "./report.ts";
import { run } from "./run.ts";
import { unpackPackages } from "./unpack-packages.ts";
import { installedPaths } from "./where.ts";

/**
 * pgbench comes in the server's package, which makes and starts a database cluster when it is installed.
 * So only its files are taken, of the version that the machine's own sources have.
 */
export function installPgbench(prefix: string, report: Report, checkOnly: boolean): void {
  const { binFolder, packagesFolder } = installedPaths(prefix);
  const path = `${binFolder}/pgbench`;
  const present = pgbenchVersion(path);
  if (present !== undefined) {
    report.add({ name: "pgbench", state: "ok", detail: `${present} at ${path}` });
    return;
  }
  if (checkOnly) {
    report.add({
      name: "pgbench",
      state: "missing",
      detail: `not at ${path} (load generator for the database that tests move)`,
    });
    return;
  }
  const serverPackage = findServerPackage(run(["apt-cache", "depends", "postgresql"]).stdout);
  if (serverPackage === undefined) {
    throw new InstallError(
      "NO_WORKING_PACKAGE",
      "the package postgresql names no server version",
      'Run "apt-get update", then again',
    );
  }
  report.doing(`fetching pgbench out of ${serverPackage}`);
  const root = `${packagesFolder}/${serverPackage}`;
  if (!existsSync(root)) unpackPackages([serverPackage], root);
  const version = serverPackage.replace("postgresql-", "");
  linkProgram(path, `${root}/usr/lib/postgresql/${version}/bin/pgbench`);
  report.add({
    name: "pgbench",
    state: "changed",
    detail: `installed ${pgbenchVersion(path) ?? "a version that does not run"} at ${path}`,
  });
}

export function findServerPackage(aptCacheDepends: string): string | undefined {
  return /^\s*Depends: (postgresql-\d+)$/m.exec(aptCacheDepends)?.[1];
}

function pgbenchVersion(path: string): string | undefined {
  const printed = run([path, "--version"], { timeoutMs: 10_000 });
  return printed.ok ? /(\d+(?:\.\d+)+)/.exec(printed.stdout)?.[1] : undefined;
}
