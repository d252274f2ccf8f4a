import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { RuncContainer } from "../session/ports.ts";

const recordSchema = z.object({
  init_process_pid: z.number().int(),
  /** By hierarchy. With cgroup v2 alone there is one path, under an empty name. */
  cgroup_paths: z.record(z.string(), z.string()),
});
/** What is read of runc's own record of a container. */
export type ContainerRecord = z.infer<typeof recordSchema>;

/** None where runc doesn't know the container, or not by cgroup. */
export function readContainerRecord(container: RuncContainer): ContainerRecord | undefined {
  const file = join(container.runtimeRoot, container.id, "state.json");
  return existsSync(file) ? recordSchema.safeParse(JSON.parse(readFileSync(file, "utf8"))).data : undefined;
}
