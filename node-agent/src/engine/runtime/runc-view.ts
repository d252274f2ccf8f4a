import { mkdir, readFile, readlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Layout } from "../layout.ts";
import { runProgram } from "../program/run-program.ts";
import { processStat } from "./container-state.ts";

/** How runc has to be called so that what it starts in a container has the container's own clocks. */
export interface RuncView {
  /** Before `runc`. */
  prefix: string[];
  /** `runc --root`. */
  runtimeRoot: string;
}

/**
 * A server that was moved has a time namespace (time_namespaces(7)) of its own, so that its clocks go on. runc 1.1 doesn't know of them: what
 * it starts in a server would have the host's clocks, and could not be dumped. So it is itself started in that namespace. From there
 * processes seem to have begun at other times, by which runc knows them: it gets its record of the container with the time that it sees.
 */
export async function runcView(layout: Layout, uid: string, initPid: number): Promise<RuncView> {
  const namespace = `/proc/${initPid}/ns/time`;
  const [own, its] = await Promise.all([readlink("/proc/self/ns/time"), readlink(namespace)]);
  if (own === its) return { prefix: [], runtimeRoot: layout.runtimeRoot };
  const prefix = ["nsenter", `--time=${namespace}`];
  const [{ stdout: stat }, record] = await Promise.all([
    runProgram([...prefix, "cat", `/proc/${initPid}/stat`]),
    readFile(layout.runtimeState(uid), "utf8"),
  ]);
  const runtimeRoot = join(layout.bundle(uid), "runc-view");
  await mkdir(join(runtimeRoot, uid), { recursive: true, mode: 0o700 });
  // As text: it has numbers that are larger than JavaScript's.
  const seen = record.replace(/"init_process_start":\d+/, `"init_process_start":${processStat(stat).startTime}`);
  await writeFile(join(runtimeRoot, uid, "state.json"), seen, { mode: 0o600 });
  return { prefix, runtimeRoot };
}
