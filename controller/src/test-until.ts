import { systemEnvironment } from "@vfleet/shared";

/** Looks again until something is seen; fails after `limitMs`, with what `state` says. */
export async function until<T>(
  what: string,
  look: () => T | undefined | false,
  { limitMs = 15_000, state = () => "" }: { limitMs?: number; state?: () => string } = {},
): Promise<T> {
  const deadlineMs = systemEnvironment.monotonicMs() + limitMs;
  for (;;) {
    const seen = look();
    if (seen !== undefined && seen !== false) return seen;
    if (systemEnvironment.monotonicMs() > deadlineMs) throw new Error(`${what}: not within ${limitMs} ms\n${state()}`);
    await systemEnvironment.sleep(10);
  }
}
