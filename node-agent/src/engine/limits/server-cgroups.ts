import { existsSync } from "node:fs";
import { chown, mkdir, readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { delegatedCgroupFiles } from "@vfleet/criu-bridge";
import type { Environment } from "@vfleet/shared";

const root = "/sys/fs/cgroup";
/** Hierarchies that systemd divides beside those of version 1: one of its own, and one of version 2 without controllers. */
const systemdHierarchies = ["systemd", "unified"];
const endLimitMs = 5000;
const pollMs = 10;

/** Gives a server its cgroup in the hierarchies that systemd divides, before the runtime puts its first process there. */
export async function delegateCgroups(cgroupPath: string, ownerId: number): Promise<void> {
  const hierarchies = isUnified() ? [""] : systemdHierarchies.filter((name) => existsSync(join(root, name)));
  for (const folder of hierarchies.map((name) => join(root, name, cgroupPath))) {
    await mkdir(folder, { recursive: true });
    const files = delegatedCgroupFiles.map((name) => join(folder, name)).filter((file) => existsSync(file));
    await Promise.all([folder, ...files].map((path) => chown(path, ownerId, ownerId)));
  }
}

/** Ends what is still in a server's cgroups and removes them, in every hierarchy: the runtime does so only for containers that it knows. */
export async function removeCgroups(cgroupPath: string, environment: Environment): Promise<void> {
  const deadlineMs = environment.monotonicMs() + endLimitMs;
  for (;;) {
    const folders = await foldersOf(cgroupPath);
    try {
      for (const folder of folders) await killTasks(folder);
      for (const folder of folders) await removeTree(folder);
      return;
    } catch (thrown) {
      if (environment.monotonicMs() > deadlineMs) throw thrown;
      await environment.sleep(pollMs);
    }
  }
}

function isUnified(): boolean {
  return existsSync(join(root, "cgroup.controllers"));
}

/** Those that are there. Of hierarchies with several names, such as `cpu` and `cpu,cpuacct`, any will do. */
async function foldersOf(cgroupPath: string): Promise<string[]> {
  const hierarchies = isUnified() ? [""] : await readdir(root);
  return hierarchies.map((name) => join(root, name, cgroupPath)).filter((folder) => existsSync(folder));
}

/** Frozen ones get the signal first and are let go then. */
async function killTasks(folder: string): Promise<void> {
  for (const below of await foldersBelow(folder)) await killTasks(below);
  const pids = (await readFile(join(folder, "cgroup.procs"), "utf8")).split("\n").map(Number);
  // 0: a process of another namespace, or none. To kill(2) it would be whoever asks.
  for (const pid of pids) if (pid > 1) kill(pid);
  const freezer = join(folder, "freezer.state");
  if (existsSync(freezer)) await writeFile(freezer, "THAWED");
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Gone already.
  }
}

/** A cgroup's files go with its folder. */
async function removeTree(folder: string): Promise<void> {
  for (const below of await foldersBelow(folder)) await removeTree(below);
  if (existsSync(folder)) await rmdir(folder);
}

async function foldersBelow(folder: string): Promise<string[]> {
  const entries = existsSync(folder) ? await readdir(folder, { withFileTypes: true }) : [];
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(folder, name));
}
