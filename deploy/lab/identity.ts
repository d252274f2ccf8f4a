import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { LabError } from "./lab-error.ts";
import { waitUntil } from "./wait-until.ts";

/** One very process: ids are used again, and state folders outlive boots. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Field 22 of proc(5) stat. */
  readonly startTicks: string;
  readonly bootId: string;
}

/** Flag of a process that ends (PF_EXITING of the kernel's sched.h). */
const exiting = 0x4;

/**
 * The identity of a running process; undefined where it is gone, only waits to be reaped, or has let go of its memory and waits
 * for others to be reaped: the first process of a PID namespace does, for ever where the machine's own first process doesn't reap.
 */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const stat = readIfThere(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The second field may hold spaces and brackets; what follows its last bracket can't.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [startTicks, memoryBytes] = [fields[19], fields[20]];
  if (startTicks === undefined || fields[0] === "Z" || fields[0] === "X") return undefined;
  if ((Number(fields[6]) & exiting) !== 0 && memoryBytes === "0") return undefined;
  return { pid, startTicks, bootId: bootId() };
}

export function writeIdentity(file: string, identity: ProcessIdentity): void {
  writeFileSync(file, `${identity.pid} ${identity.startTicks} ${identity.bootId}\n`);
}

/** The process a file speaks of, if it still runs. */
export function readAlive(file: string): ProcessIdentity | undefined {
  const [pid, startTicks, boot] = (readIfThere(file) ?? "").trim().split(" ");
  if (pid === undefined || boot === undefined || !/^[1-9]\d*$/.test(pid)) return undefined;
  const found = identityOf(Number(pid));
  return found?.startTicks === startTicks && found?.bootId === boot ? found : undefined;
}

/** Kills the process a file speaks of, if it still runs. */
export function killRecorded(file: string): void {
  const identity = readAlive(file);
  if (identity !== undefined) process.kill(identity.pid, "SIGKILL");
}

/** Waits until the process a file speaks of is gone, then forgets it. */
export async function waitForEnd(file: string): Promise<void> {
  const isGone = await waitUntil(() => readAlive(file) === undefined, 10_000);
  if (!isGone)
    throw new LabError(
      "left-behind",
      `process ${readAlive(file)?.pid} of "${file}" does not die`,
      "Look at what it waits for: /proc/PID/stack",
    );
  rmSync(file, { force: true });
}

function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
