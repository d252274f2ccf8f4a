import { existsSync } from "node:fs";
import { configState, isModuleLoadable } from "./kernel-config.ts";
import { readIfThere } from "./machine.ts";
import { run } from "./run.ts";

/** Something of the kernel that vfleet cannot do without. */
export interface Requirement {
  readonly name: string;
  readonly purpose: string;
  readonly hint: string;
  /** The kernel option and the module that carry it, where there is one. */
  readonly option: string;
  readonly module?: string;
  /** The real thing, tried without a trace; undefined where it cannot be tried yet, as its tool is not installed. */
  readonly attempt: () => boolean | undefined;
}

const rebuildHint = "Run Debian's own kernel (linux-image-amd64), or one with this option";
const privilegeHint = "Run as root of the machine itself, or in a container with --privileged";

export const requirements: readonly Requirement[] = [
  namespaceRequirement("user namespaces", "--user", "CONFIG_USER_NS", "isolates a server's root from the host's"),
  namespaceRequirement("PID namespaces", "--pid", "CONFIG_PID_NS", "gives each server its own processes"),
  namespaceRequirement("network namespaces", "--net", "CONFIG_NET_NS", "gives each server its own network"),
  namespaceRequirement("mount namespaces", "--mount", "CONFIG_NAMESPACES", "gives each server its own files"),
  fileRequirement("checkpoint and restore", "/proc/sys/kernel/ns_last_pid", "CONFIG_CHECKPOINT_RESTORE", "dumps and restores processes"),
  fileRequirement("userfaultfd", "/proc/sys/vm/unprivileged_userfaultfd", "CONFIG_USERFAULTFD", "brings memory after a server that moved"),
  moduleRequirement("btrfs", "CONFIG_BTRFS_FS", "btrfs", "images, volumes and snapshots", () => /\bbtrfs$/m.test(readIfThere("/proc/filesystems") ?? "")),
  linkRequirement("veth", "CONFIG_VETH", ["type", "veth"], "connects a server to its host"),
  linkRequirement("bridge", "CONFIG_BRIDGE", ["type", "bridge"], "connects the servers of a host"),
  linkRequirement("vxlan", "CONFIG_VXLAN", ["type", "vxlan", "id", "1", "dstport", "4789"], "connects the servers of different hosts"),
  moduleRequirement("nftables", "CONFIG_NF_TABLES", "nf_tables", "firewall; holds connections while a server is dumped", () => tryTool("nft", ["unshare", "--net", "nft", "add", "table", "inet", "vfleet_probe"])),
  moduleRequirement("TCP diagnosis", "CONFIG_INET_TCP_DIAG", "tcp_diag", "lists a server's TCP sockets for a dump", () => undefined),
  moduleRequirement("unix socket diagnosis", "CONFIG_UNIX_DIAG", "unix_diag", "lists a server's local sockets for a dump", () => undefined),
];

/** The attempt decides; where there was none, the kernel's configuration does. Unknown is not held against a machine. */
export function isMet(requirement: Requirement, kernelConfig: string | undefined): boolean {
  const attempt = requirement.attempt();
  if (attempt === true) return true;
  const state = configState(kernelConfig, requirement.option);
  const isLoadable = requirement.module !== undefined && isModuleLoadable(requirement.module);
  if (attempt === false) return isLoadable;
  return isLoadable || state === "built-in" || state === "unknown";
}

function namespaceRequirement(name: string, flag: string, option: string, purpose: string): Requirement {
  const command = flag === "--pid" ? ["unshare", "--pid", "--fork", "true"] : ["unshare", flag, "true"];
  const hint = flag === "--user" ? `${privilegeHint}; "sysctl user.max_user_namespaces" must not be 0` : privilegeHint;
  return { name, purpose, option, hint, attempt: () => run(command).ok };
}

function fileRequirement(name: string, path: string, option: string, purpose: string): Requirement {
  return { name, purpose, option, hint: `${rebuildHint} (${option})`, attempt: () => existsSync(path) };
}

function linkRequirement(name: string, option: string, type: readonly string[], purpose: string): Requirement {
  const command = ["unshare", "--net", "ip", "link", "add", "probe0", ...type];
  return { ...moduleRequirement(name, option, name, purpose, () => tryTool("ip", command)) };
}

function moduleRequirement(name: string, option: string, module: string, purpose: string, attempt: () => boolean | undefined): Requirement {
  // A file system or protocol that is not there yet may only need its module.
  return { name, purpose, option, module, attempt, hint: `Load the module ("modprobe ${module}"). If there is none: ${rebuildHint} (${option})` };
}

function tryTool(tool: string, command: readonly string[]): boolean | undefined {
  const folders = (process.env["PATH"] ?? "").split(":").concat("/usr/sbin", "/sbin");
  return folders.some((folder) => existsSync(`${folder}/${tool}`)) ? run(command).ok : undefined;
}
