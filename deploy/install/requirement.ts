import { existsSync } from "node:fs";
import { configState, isModuleLoadable } from "./kernel-config.ts";
import { readIfThere } from "./machine.ts";
import { run } from "./run.ts";

/** Something of the kernel that vfleet cannot do without. */
export interface Requirement {
  readonly name: string;
  readonly purpose: string;
  readonly hint: string;
  /** The kernel option that carries it. */
  readonly option: string;
  /** The module that carries it, where it can be one. */
  readonly module?: string;
  /** The real thing, tried without a trace; undefined where it cannot be tried yet, as its tool is not installed. */
  readonly attempt: () => boolean | undefined;
}

const privilegeHint = "Run as root of the machine itself, or in a container with --privileged";

export const requirements: readonly Requirement[] = [
  {
    ...namespace("user", "CONFIG_USER_NS"),
    purpose: "isolates a server's root from the host's",
    hint: `${privilegeHint}; "sysctl user.max_user_namespaces" must not be 0`,
  },
  { ...namespace("pid", "CONFIG_PID_NS"), purpose: "gives each server its own processes" },
  { ...namespace("net", "CONFIG_NET_NS"), purpose: "gives each server its own network" },
  { ...namespace("mount", "CONFIG_NAMESPACES"), purpose: "gives each server its own files" },
  {
    ...builtIn("checkpoint and restore", "CONFIG_CHECKPOINT_RESTORE"),
    purpose: "dumps and restores processes",
    attempt: () => existsSync("/proc/sys/kernel/ns_last_pid"),
  },
  {
    ...builtIn("userfaultfd", "CONFIG_USERFAULTFD"),
    purpose: "brings memory after a server that moved",
    attempt: () => existsSync("/proc/sys/vm/unprivileged_userfaultfd"),
  },
  {
    ...modular("btrfs", { option: "CONFIG_BTRFS_FS", module: "btrfs" }),
    purpose: "images, volumes and snapshots",
    attempt: () => /\bbtrfs$/m.test(readIfThere("/proc/filesystems") ?? ""),
  },
  {
    ...modular("veth", { option: "CONFIG_VETH", module: "veth" }),
    purpose: "connects a server to its host",
    attempt: () => tryLink("veth"),
  },
  {
    ...modular("bridge", { option: "CONFIG_BRIDGE", module: "bridge" }),
    purpose: "connects the servers of a host",
    attempt: () => tryLink("bridge"),
  },
  {
    ...modular("vxlan", { option: "CONFIG_VXLAN", module: "vxlan" }),
    purpose: "connects the servers of different hosts",
    attempt: () => tryLink("vxlan", "id", "1", "dstport", "4789"),
  },
  {
    ...modular("nftables", { option: "CONFIG_NF_TABLES", module: "nf_tables" }),
    purpose: "firewall; holds connections while a server is dumped",
    attempt: () => tryTool("nft", ["unshare", "--net", "nft", "add", "table", "inet", "vfleet_probe"]),
  },
  {
    ...modular("TCP diagnosis", { option: "CONFIG_INET_TCP_DIAG", module: "tcp_diag" }),
    purpose: "lists a server's TCP sockets for a dump",
    attempt: () => undefined,
  },
  {
    ...modular("unix socket diagnosis", { option: "CONFIG_UNIX_DIAG", module: "unix_diag" }),
    purpose: "lists a server's local sockets for a dump",
    attempt: () => undefined,
  },
];

/** The attempt decides; where there was none, the kernel's configuration does. Unknown is not held against a machine. */
export function isMet(requirement: Requirement, kernelConfig: string | undefined): boolean {
  const attempt = requirement.attempt();
  if (attempt === true) return true;
  const state = configState(kernelConfig, requirement.option);
  // A file system or protocol that is not there yet may only need its module.
  const isLoadable = requirement.module !== undefined && isModuleLoadable(requirement.module);
  if (attempt === false) return isLoadable;
  return isLoadable || state !== "absent";
}

function namespace(kind: "user" | "pid" | "net" | "mount", option: string) {
  const command = ["unshare", `--${kind}`, ...(kind === "pid" ? ["--fork"] : []), "true"];
  return { name: `${kind} namespaces`, option, hint: privilegeHint, attempt: () => run(command).ok };
}

function builtIn(name: string, option: string) {
  return { name, option, hint: `Run Debian's own kernel, or one with ${option}` };
}

function modular(name: string, carrier: { readonly option: string; readonly module: string }) {
  const hint = `Load the module ("modprobe ${carrier.module}"), or run Debian's own kernel, or one with ${carrier.option}`;
  return { name, hint, ...carrier };
}

function tryLink(type: string, ...options: string[]): boolean | undefined {
  return tryTool("ip", ["unshare", "--net", "ip", "link", "add", "probe0", "type", type, ...options]);
}

function tryTool(tool: string, command: readonly string[]): boolean | undefined {
  const folders = (process.env["PATH"] ?? "").split(":").concat("/usr/sbin", "/sbin");
  return folders.some((folder) => existsSync(`${folder}/${tool}`)) ? run(command).ok : undefined;
}
