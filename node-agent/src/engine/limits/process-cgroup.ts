import { existsSync } from "node:fs";
import { join } from "node:path";

const root = "/sys/fs/cgroup";

/** The folder of a cgroup in a hierarchy that has every process. */
export function processCgroup(parent: string, uid: string): string {
  const hierarchy = existsSync(join(root, "cgroup.controllers")) ? "" : "pids";
  return join(root, hierarchy, parent, uid);
}
