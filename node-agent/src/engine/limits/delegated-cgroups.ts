import { existsSync } from "node:fs";
import { chown, mkdir, readdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { delegatedCgroupFiles } from "@vfleet/criu-bridge";

const root = "/sys/fs/cgroup";

/** Gives a server its cgroup in the hierarchies that systemd divides, before the runtime puts its first process there. */
export async function delegateCgroups(cgroupPath: string, ownerId: number): Promise<void> {
  for (const folder of delegatedFolders(cgroupPath)) {
    await mkdir(folder, { recursive: true });
    const files = delegatedCgroupFiles.map((name) => join(folder, name)).filter((file) => existsSync(file));
    await Promise.all([folder, ...files].map((path) => chown(path, ownerId, ownerId)));
  }
}

/** Removes it where the runtime has not, because it never knew the server. */
export async function removeDelegatedCgroups(cgroupPath: string): Promise<void> {
  for (const folder of delegatedFolders(cgroupPath)) if (existsSync(folder)) await removeTree(folder);
}

/** Version 2 has one hierarchy; beside version 1 systemd has one of its own, and one of version 2 without controllers. */
function delegatedFolders(cgroupPath: string): string[] {
  const hierarchies = existsSync(join(root, "cgroup.controllers")) ? [""] : ["systemd", "unified"];
  return hierarchies.filter((name) => existsSync(join(root, name))).map((name) => join(root, name, cgroupPath));
}

/** A cgroup's files go with its folder. */
async function removeTree(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries) if (entry.isDirectory()) await removeTree(join(folder, entry.name));
  await rmdir(folder);
}
