import { existsSync } from "node:fs";
import { guestKernelRelease } from "../../install/guest-system.ts";
import { installedPaths } from "../../install/where.ts";
import { LabError } from "../lab-error.ts";

/** virtiofsd(1) of QEMU's own package: of Debian 12. */
export const fileServer = "/usr/lib/qemu/virtiofsd";
const emulator = "/usr/bin/qemu-system-x86_64";
const installHint = "Run: sh deploy/bootstrap.sh install --with-vm";

export interface GuestSystem {
  readonly folder: string;
  readonly release: string;
  readonly kernel: string;
}

/** What virtual machines need besides what every lab needs. */
export function requireGuestSystem(): GuestSystem {
  const missing = [emulator, fileServer].filter((file) => !existsSync(file));
  if (missing.length > 0) throw new LabError("tool-missing", `this machine has no ${missing.join(", ")}`, installHint);
  const folder = installedPaths().guestFolder;
  const release = guestKernelRelease(folder);
  if (release === undefined) throw new LabError("tool-missing", `there is no kernel in ${folder}`, installHint);
  if (!existsSync("/dev/net/tun"))
    throw new LabError("kernel-lacks", "there are no tap links", 'Load the module: "modprobe tun"');
  return { folder, release, kernel: `${folder}/boot/vmlinuz-${release}` };
}
