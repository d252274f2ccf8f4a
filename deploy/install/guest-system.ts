import { existsSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { InstallError } from "./install-error.ts";
import { linkProgram } from "./private-program.ts";
import type { Report } from "./report.ts";
import { mustRun, run } from "./run.ts";
import { unpackPackages } from "./unpack-packages.ts";
import { installedPaths } from "./where.ts";

const kernelPackage = "linux-image-cloud-amd64";
/** The initramfs's only program. */
const shellPackage = "busybox-static";

/**
 * What lab hosts that are virtual machines boot: the distribution's kernel for such machines, with its modules. Its files
 * are only unpacked: installed, it would be offered to the machine itself.
 */
export function installGuestSystem(prefix: string, report: Report, checkOnly: boolean): void {
  const { guestFolder, packagesFolder } = installedPaths(prefix);
  const present = guestKernelRelease(guestFolder);
  if (present !== undefined) {
    report.add({ name: "guest kernel", state: "ok", detail: `${present} in ${guestFolder}` });
    return;
  }
  if (checkOnly) {
    report.add({
      name: "guest kernel",
      state: "missing",
      detail: `not in ${guestFolder} (hosts of lab up --vm boot it)`,
    });
    return;
  }
  const kernel = findKernelPackage(run(["apt-cache", "depends", kernelPackage]).stdout);
  if (kernel === undefined)
    throw new InstallError(
      "NO_WORKING_PACKAGE",
      `the package ${kernelPackage} names no kernel`,
      'Run "apt-get update", then again',
    );
  report.doing(`fetching ${kernel}`);
  const root = `${packagesFolder}/${kernel}`;
  mkdirSync(packagesFolder, { recursive: true });
  if (!existsSync(root)) unpackPackages([kernel, shellPackage], root);
  // From Debian 13 on packages have all their programs and libraries in /usr.
  for (const folder of ["bin", "lib"])
    if (!existsSync(`${root}/${folder}`)) symlinkSync(`usr/${folder}`, `${root}/${folder}`);
  const release = kernel.replace("linux-image-", "");
  mustRun(["depmod", "--basedir", root, release]);
  linkProgram(guestFolder, root);
  report.add({ name: "guest kernel", state: "changed", detail: `unpacked ${release} in ${guestFolder}` });
}

export function findKernelPackage(aptCacheDepends: string): string | undefined {
  return /^\s*Depends: (linux-image-\d\S*)$/m.exec(aptCacheDepends)?.[1];
}

/** Release of the kernel that is unpacked and ready in the folder, if there is one. */
export function guestKernelRelease(guestFolder: string): string | undefined {
  const modules = `${guestFolder}/lib/modules`;
  const [release] = existsSync(modules) ? readdirSync(modules) : [];
  return release !== undefined && existsSync(`${modules}/${release}/modules.dep`) ? release : undefined;
}
