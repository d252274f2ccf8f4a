import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";

const pollMs = 20;

/** Waits for a condition; false when the time is over first. The lab's only clock, so that `lab exec` need not load the shared one. */
export async function waitUntil(condition: () => boolean | Promise<boolean>, timeoutMs: number): Promise<boolean> {
  const deadlineMs = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadlineMs) return false;
    await sleep(pollMs);
  }
  return true;
}
