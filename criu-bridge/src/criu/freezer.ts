import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { RuncContainer } from "../session/ports.ts";

/** What is read of runc's own record of a container. With cgroup v2 there is one path, under an empty name. */
const stateSchema = z.object({ cgroup_paths: z.record(z.string(), z.string()) });

/** The cgroup file that stops a container's tasks. */
export interface Freezer {
  file: string;
  frozen: string;
  thawed: string;
}

/** None where runc doesn't know the container, or not by cgroup. */
export function freezerOf(container: RuncContainer): Freezer | undefined {
  const record = join(container.runtimeRoot, container.id, "state.json");
  if (!existsSync(record)) return undefined;
  const parsed = stateSchema.safeParse(JSON.parse(readFileSync(record, "utf8")));
  if (!parsed.success) return undefined;
  const paths = parsed.data.cgroup_paths;
  const [v1, v2] = [paths["freezer"], paths[""]];
  if (v1 !== undefined) return { file: join(v1, "freezer.state"), frozen: "FROZEN", thawed: "THAWED" };
  return v2 === undefined ? undefined : { file: join(v2, "cgroup.freeze"), frozen: "1", thawed: "0" };
}

/** Lets the tasks run. Thawed ones stay so. */
export function thaw(freezer: Freezer): void {
  if (existsSync(freezer.file)) writeFileSync(freezer.file, freezer.thawed);
}
