import { chownSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readContainerRecord } from "../../criu/container-record.ts";
import { firstId } from "./bundle.ts";
import { containerOf } from "./host-ports.ts";

/** Of version 2, which has this setting in every cgroup, whatever controllers there are. */
const setting = "cgroup.max.depth";

/** As a server does that divides its cgroup: one below it, with a limit. */
export function makeLimitedCgroup(box: string, host: string): void {
  const folder = folderOf(box, host);
  mkdirSync(folder);
  writeFileSync(join(folder, setting), "3");
  chownSync(join(folder, ".."), firstId, firstId);
  chownSync(folder, firstId, firstId);
}

export function limitOfCgroup(box: string, host: string): string {
  return readFileSync(join(folderOf(box, host), setting), "utf8").trim();
}

function folderOf(box: string, host: string): string {
  const top = readContainerRecord(containerOf(box, host))?.cgroup_paths[""];
  if (top === undefined) throw new Error("runc made no cgroup of version 2");
  return join(top, "own");
}
