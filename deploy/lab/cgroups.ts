import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { LabError } from "./lab-error.ts";
import { waitUntil } from "./wait-until.ts";

/** One mounted cgroup file system. Version 1 has several, version 2 one, and a hybrid system has both kinds. */
export interface CgroupHierarchy {
  readonly version: 1 | 2;
  readonly folder: string;
  readonly controllers: readonly string[];
}

/** The hierarchies named in the text of proc(5) mountinfo. */
export function parseHierarchies(mountinfo: string): readonly CgroupHierarchy[] {
  const found = new Map<string, CgroupHierarchy>();
  for (const line of mountinfo.split("\n")) {
    const [before = "", after = ""] = line.split(" - ");
    const folder = before.split(" ")[4];
    const [type, , options = ""] = after.split(" ");
    if (folder === undefined || (type !== "cgroup" && type !== "cgroup2")) continue;
    const controllers = options.split(",").filter((option) => option !== "rw" && option !== "ro");
    found.set(folder, {
      version: type === "cgroup" ? 1 : 2,
      folder,
      controllers: type === "cgroup" ? controllers : [],
    });
  }
  return [...found.values()];
}

export function cgroupHierarchies(): readonly CgroupHierarchy[] {
  return parseHierarchies(readFileSync("/proc/self/mountinfo", "utf8"));
}

/** Makes `path` in every hierarchy, ready to take processes and children. */
export function makeCgroup(path: string): void {
  for (const hierarchy of cgroupHierarchies()) {
    let folder = hierarchy.folder;
    for (const part of path.split("/").filter((text) => text !== "")) {
      if (hierarchy.version === 2) delegateControllers(folder);
      const child = `${folder}/${part}`;
      if (!existsSync(child)) mkdirSync(child);
      // A new cpuset is empty and refuses every process until it says which CPUs and memory it means.
      if (hierarchy.controllers.includes("cpuset")) inheritCpuset(folder, child);
      folder = child;
    }
  }
}

/** Files that take a process into the cgroup `path`, one a hierarchy. */
export function processFiles(path: string): readonly string[] {
  return cgroupHierarchies().map(({ folder }) => `${folder}${path}/cgroup.procs`);
}

export function limitMemory(path: string, bytes: number): void {
  for (const { version, folder, controllers } of cgroupHierarchies()) {
    const file = version === 2 ? `${folder}${path}/memory.max` : `${folder}${path}/memory.limit_in_bytes`;
    if ((version === 2 || controllers.includes("memory")) && existsSync(file)) writeFileSync(file, String(bytes));
  }
}

/** Of version 1 too, no cgroup below may have a quota above this one. */
export function limitCpu(path: string, milliCpu: number): void {
  const periodMicroseconds = 100_000;
  const quotaMicroseconds = Math.round((milliCpu / 1000) * periodMicroseconds);
  for (const { version, folder, controllers } of cgroupHierarchies()) {
    const [file, value] =
      version === 2
        ? [`${folder}${path}/cpu.max`, `${quotaMicroseconds} ${periodMicroseconds}`]
        : [`${folder}${path}/cpu.cfs_quota_us`, String(quotaMicroseconds)];
    if ((version === 2 || controllers.includes("cpu")) && existsSync(file)) writeFileSync(file, value);
  }
}

/** Machine's pids of all processes in the cgroup `path` and below, in any hierarchy. */
export function processesIn(path: string): readonly number[] {
  const pids = new Set<number>();
  for (const folder of foldersIn(path)) {
    for (const line of readText(`${folder}/cgroup.procs`).split("\n"))
      if (line !== "" && line !== "0") pids.add(Number(line));
  }
  return [...pids];
}

/** Kills all that runs in the cgroup `path` and below, frozen or not, and waits until it is gone. */
export async function killCgroup(path: string): Promise<void> {
  const isEmpty = await waitUntil(() => {
    for (const folder of foldersIn(path)) thaw(folder);
    const pids = processesIn(path);
    for (const pid of pids) if (pid !== process.pid) kill(pid);
    return pids.length === 0;
  }, 10_000);
  if (!isEmpty) {
    throw new LabError(
      "left-behind",
      `processes ${processesIn(path).join(", ")} in cgroup "${path}" do not die`,
      "Look at what they wait for: /proc/PID/stack",
    );
  }
}

/** Removes the cgroup `path` and all below it, in every hierarchy. A cgroup can stay busy for a moment after its last process. */
export async function removeCgroup(path: string): Promise<void> {
  const isGone = await waitUntil(() => {
    for (const folder of foldersIn(path).reverse()) tryRemove(folder);
    return foldersIn(path).length === 0;
  }, 5_000);
  if (!isGone)
    throw new LabError(
      "left-behind",
      `cgroups ${foldersIn(path).join(", ")}`,
      "Something still uses them: look into their cgroup.procs",
    );
}

/** Folders of the cgroup `path` and all below it, parents first. */
export function foldersIn(path: string): string[] {
  return cgroupHierarchies().flatMap(({ folder }) => walk(`${folder}${path}`));
}

function walk(folder: string): string[] {
  try {
    const children = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    return [folder, ...children.flatMap(({ name }) => walk(`${folder}/${name}`))];
  } catch {
    return [];
  }
}

function delegateControllers(folder: string): void {
  const available = readText(`${folder}/cgroup.controllers`).trim();
  for (const controller of available.split(" ").filter((text) => text !== "")) {
    try {
      writeFileSync(`${folder}/cgroup.subtree_control`, `+${controller}`);
    } catch {
      // Some can't be delegated on some machines (cpu beside real-time tasks): the others still can.
    }
  }
}

function inheritCpuset(parent: string, child: string): void {
  for (const file of ["cpuset.cpus", "cpuset.mems"]) {
    if (readText(`${child}/${file}`).trim() === "")
      writeFileSync(`${child}/${file}`, readText(`${parent}/${file}`).trim());
  }
}

function thaw(folder: string): void {
  for (const [file, value] of [
    ["freezer.state", "THAWED"],
    ["cgroup.freeze", "0"],
  ] as const) {
    if (existsSync(`${folder}/${file}`)) writeFileSync(`${folder}/${file}`, value);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It died by itself in between.
  }
}

function tryRemove(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Still busy, or gone: the caller looks again.
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
