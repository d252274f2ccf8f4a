import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RuncContainer } from "../session/ports.ts";
import { readContainerRecord } from "./container-record.ts";

/** The cgroup file that stops a container's tasks. */
export interface Freezer {
  file: string;
  frozen: string;
  thawed: string;
}

/** None where runc doesn't know the container, or not by cgroup. */
export function freezerOf(container: RuncContainer): Freezer | undefined {
  const paths = readContainerRecord(container)?.cgroup_paths;
  if (paths === undefined) return undefined;
  const [v1, v2] = [paths["freezer"], paths[""]];
  if (v1 !== undefined) return { file: join(v1, "freezer.state"), frozen: "FROZEN", thawed: "THAWED" };
  return v2 === undefined ? undefined : { file: join(v2, "cgroup.freeze"), frozen: "1", thawed: "0" };
}

/** Lets a container's tasks run, whoever has frozen them. */
export function thawTasks(container: RuncContainer): void {
  const freezer = freezerOf(container);
  if (freezer !== undefined) thaw(freezer);
}

/** Lets the tasks run. Thawed ones stay so. */
export function thaw(freezer: Freezer): void {
  if (existsSync(freezer.file)) writeFileSync(freezer.file, freezer.thawed);
}
