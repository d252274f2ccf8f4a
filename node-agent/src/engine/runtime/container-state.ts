import { existsSync, readFileSync } from "node:fs";
import { z } from "zod";
import type { Layout } from "../layout.ts";
import type { ContainerState } from "./runtime-driver.ts";

/** The members of runc's `state.json` that tell whether the container's first process is still the same process. */
const runtimeStateSchema = z.object({ init_process_pid: z.number().int(), init_process_start: z.number() });

/** Field of `/proc/PID/stat` (proc(5)) after the name: state is the first. */
const startTimeField = 19;

/** Reads what runc, conmon and the kernel say of a container, without starting a program. */
export function readContainerState(layout: Layout, uid: string): ContainerState {
  if (!existsSync(layout.bundle(uid))) return { state: "none" };
  const init = readJson(layout.runtimeState(uid));
  if (init !== undefined) {
    const stat = readStat(init.init_process_pid);
    if (stat !== undefined && stat.startTime === init.init_process_start && !"ZX".includes(stat.state)) {
      return { state: existsSync(layout.runtimeStartGate(uid)) ? "created" : "running", pid: init.init_process_pid };
    }
  }
  return { state: "exited", exitCode: readExitCode(layout.exitFile(uid)) };
}

function readExitCode(file: string): number | undefined {
  const text = read(file)?.trim();
  return text === undefined || text === "" ? undefined : Number(text);
}

function readStat(pid: number): { state: string; startTime: number } | undefined {
  const text = read(`/proc/${pid}/stat`);
  return text === undefined ? undefined : processStat(text);
}

/** Of the text of `/proc/PID/stat`. Start times are in clock ticks since the boot, as the reader's time namespace counts. */
export function processStat(text: string): { state: string; startTime: number } {
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { state: fields[0] ?? "", startTime: Number(fields[startTimeField]) };
}

function readJson(file: string) {
  const text = read(file);
  if (text === undefined || text === "") return undefined;
  const parsed = runtimeStateSchema.safeParse(JSON.parse(text));
  return parsed.success ? parsed.data : undefined;
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
