import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";

/** Files with which whoever owns a cgroup fills and divides it (/sys/kernel/cgroup/delegate; `tasks` is of version 1). */
export const delegatedCgroupFiles: readonly string[] = [
  "cgroup.procs",
  "cgroup.threads",
  "cgroup.subtree_control",
  "tasks",
];
const subtreeControl = "cgroup.subtree_control";
/** What can be set for a cgroup of version 2 (Documentation/admin-guide/cgroup-v2.rst). */
const settingNames = [
  "cgroup.max.depth",
  "cgroup.max.descendants",
  "cpu.idle",
  "cpu.max",
  "cpu.weight",
  "cpuset.cpus",
  "cpuset.mems",
  "memory.high",
  "memory.low",
  "memory.max",
  "memory.min",
  "memory.oom.group",
  "memory.swap.max",
  "pids.max",
] as const;
/** A server could make cgroups without end. */
const folderLimit = 4096;

const folderSchema = z.object({
  /** Below the server's own; empty: that one. No step of it leads up. */
  path: z
    .string()
    .max(4096)
    .regex(/^(?!\/)(?!(?:.*\/)?\.\.?(?:\/|$))[^\0]*$/),
  uid: z.number().int().min(0),
  gid: z.number().int().min(0),
  /** Controllers that those below have, space between. */
  controllers: z
    .string()
    .regex(/^[a-z_ ]*$/)
    .max(256),
  settings: z.partialRecord(z.enum(settingNames), z.string().max(4096)),
});
/** A server's own division of one hierarchy, parents first. */
export const cgroupTreeSchema = z.array(folderSchema).max(folderLimit);
export type CgroupTree = z.infer<typeof cgroupTreeSchema>;

/**
 * Reads what a server has made below its cgroup. CRIU dumps only cgroups with tasks in them; init systems have others, which they watch
 * and go on using.
 */
export function readCgroupTree(top: string): CgroupTree {
  const tree: CgroupTree = [];
  const visit = (path: string) => {
    if (tree.length >= folderLimit) throw new RangeError(`it has more than ${folderLimit} cgroups`);
    const folder = join(top, path);
    const { uid, gid } = statSync(folder);
    // Its limits as a whole are the host's.
    const settings = path === "" ? {} : settingsOf(folder);
    tree.push({ path, uid, gid, controllers: readSetting(join(folder, subtreeControl)) ?? "", settings });
    for (const entry of readdirSync(folder, { withFileTypes: true }))
      if (entry.isDirectory()) visit(join(path, entry.name));
  };
  visit("");
  return tree;
}

/** Makes the cgroups, with their owners, so that CRIU finds them. Nothing is in them yet. */
export function makeCgroupTree(top: string, tree: CgroupTree): void {
  const owners = new Map(tree.map((folder) => [folder.path, folder]));
  for (const { path, uid, gid } of tree.filter((folder) => folder.path !== "")) {
    const folder = join(top, path);
    mkdirSync(folder, { recursive: true });
    // The kernel gives a cgroup's files to who makes it, which was the owner of the one above.
    const above = dirname(path);
    const maker = owners.get(above === "." ? "" : above);
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.isDirectory()) continue;
      const owner = delegatedCgroupFiles.includes(entry.name) ? { uid, gid } : maker;
      if (owner !== undefined) chownSync(join(folder, entry.name), owner.uid, owner.gid);
    }
    chownSync(folder, uid, gid);
  }
}

/** Hands on controllers and sets limits; only once the tasks are in their places: no process may be in a cgroup that hands any on. */
export function setCgroupTree(top: string, tree: CgroupTree): void {
  for (const { path, controllers, settings } of tree) {
    const folder = join(top, path);
    for (const [name, value] of Object.entries(settings)) {
      const file = join(folder, name);
      if (existsSync(file) && readSetting(file) !== value) writeFileSync(file, value);
    }
    const wanted = controllers.split(" ").filter(Boolean);
    if (wanted.length > 0) writeFileSync(join(folder, subtreeControl), wanted.map((name) => `+${name}`).join(" "));
  }
}

function settingsOf(folder: string): CgroupTree[number]["settings"] {
  return Object.fromEntries(
    settingNames.flatMap((name) => {
      const value = readSetting(join(folder, name));
      return value === undefined || value === "" ? [] : [[name, value]];
    }),
  );
}

function readSetting(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, "utf8").trim() : undefined;
}
