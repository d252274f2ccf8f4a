import { readFile } from "node:fs/promises";
import type { Environment } from "@vfleet/shared";

const endLimitMs = 5000;
const pollMs = 10;

/**
 * Ends a conmon whose container is gone or never came to be, with the runtime that it may still be running and what that runs: a restore
 * that an earlier agent began waits for a word that nobody has for it any more.
 */
export async function endConmon(pidFile: string, uid: string, environment: Environment): Promise<void> {
  const pid = Number(await textOf(pidFile));
  const deadlineMs = environment.monotonicMs() + endLimitMs;
  while ((await isConmonOf(pid, uid)) && environment.monotonicMs() < deadlineMs) {
    killGroup(pid);
    await environment.sleep(pollMs);
  }
}

/** A process id may be another's by now. */
async function isConmonOf(pid: number, uid: string): Promise<boolean> {
  return pid > 1 && (await textOf(`/proc/${pid}/cmdline`)).split("\0").includes(uid);
}

/** conmon leads a group of its own; a container's tasks are not in it. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Gone already.
  }
}

function textOf(file: string): Promise<string> {
  return readFile(file, "utf8").catch(() => "");
}
