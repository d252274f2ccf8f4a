import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { installedPaths } from "../install/where.ts";
import { cgroupHierarchies } from "./cgroups.ts";
import { LabError } from "./lab-error.ts";
import { findInit } from "./reaping-init.ts";

const tools = [
  "bridge",
  "btrfs",
  "conmon",
  "ip",
  "losetup",
  "mkfs.btrfs",
  "mmdebstrap",
  "mount",
  "nft",
  "nsenter",
  "redis-server",
  "runc",
  "script",
  "setpriv",
  "socat",
  "unshare",
];
const installHint = "Run: sh deploy/bootstrap.sh install";
const kernelHint = "Run Debian's own kernel, on the machine itself or in a container with --privileged";

/** Everything that would stop a lab from starting, found before anything is changed. */
export function preflight(): void {
  requireRoot();
  const { natsServer, criu } = installedPaths();
  const missing = [
    ...tools.filter((tool) => findTool(tool) === undefined),
    ...[natsServer, criu].filter((file) => !existsSync(file)),
  ];
  if (missing.length > 0) throw new LabError("tool-missing", `this machine has no ${missing.join(", ")}`, installHint);
  findInit();
  if (cgroupHierarchies().length === 0)
    throw new LabError("kernel-lacks", "no cgroup hierarchy is mounted", kernelHint);
  if (!existsSync("/dev/loop-control"))
    throw new LabError("kernel-lacks", "there are no loop devices", 'Load the module: "modprobe loop"');
  if (!/\bbtrfs$/m.test(readFileSync("/proc/filesystems", "utf8"))) {
    throw new LabError("kernel-lacks", "the kernel knows no btrfs", `Load the module: "modprobe btrfs". ${kernelHint}`);
  }
  for (const namespace of ["net", "mnt", "pid", "uts", "ipc", "user"]) {
    if (!existsSync(`/proc/self/ns/${namespace}`))
      throw new LabError("kernel-lacks", `the kernel has no ${namespace} namespaces`, kernelHint);
  }
}

export function requireRoot(): void {
  if (process.getuid?.() !== 0)
    throw new LabError(
      "not-root",
      "its hosts are namespaces, mounts and cgroups, which only root may make",
      "Run it as root, for example with sudo",
    );
}

function findTool(name: string): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(":"), "/usr/sbin", "/sbin", "/usr/bin", "/bin"];
  return folders.map((folder) => `${folder}/${name}`).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
