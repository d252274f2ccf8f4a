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
  // A process id may be another's by now.
  const isConmon = pid > 1 && (await textOf(`/proc/${pid}/cmdline`)).split("\0").includes(uid);
  if (!isConmon) return;
  const deadlineMs = environment.monotonicMs() + endLimitMs;
  while (signalGroup(pid, "SIGKILL") && environment.monotonicMs() < deadlineMs) await environment.sleep(pollMs);
}

/** Whether there was anyone to take it. conmon leads a group of its own; a container's tasks are not in it. */
function signalGroup(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(-pid, signal);
  } catch {
    return false;
  }
}

function textOf(file: string): Promise<string> {
  return readFile(file, "utf8").catch(() => "");
}
