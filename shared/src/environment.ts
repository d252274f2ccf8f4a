import { randomUUID } from "node:crypto";
import { performance } from "node:perf_hooks";

/**
 * What a program takes from outside itself, so that the same code runs on a real clock and under simulation.
 * Nothing else in the project reads the clock, draws randomness or sets timers.
 */
export interface Environment {
  /** Wall clock, milliseconds since the Unix epoch. For display and records, never to order events of two hosts. */
  nowMs(): number;
  /** Clock that never goes back, milliseconds since an arbitrary start. For durations and deadlines. */
  monotonicMs(): number;
  /** Uniform in [0, 1). */
  random(): number;
  /** A new identifier, unique across the fleet (RFC 9562 UUID). */
  id(): string;
  /** Resolves after `ms`; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `callback` every `ms` until the returned function is called. */
  every(ms: number, callback: () => void): () => void;
}

export const systemEnvironment: Environment = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  random: () => Math.random(),
  id: () => randomUUID(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(abortReason(signal));
        return;
      }
      const onAbort = () => {
        clearTimeout(timer);
        reject(abortReason(signal));
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      }, ms);
      signal?.addEventListener("abort", onAbort, { once: true });
    }),
  every: (ms, callback) => {
    const timer = setInterval(callback, ms);
    return () => clearInterval(timer);
  },
};

/** RFC 3339 with milliseconds, as Kubernetes' `metav1.MicroTime` accepts it. */
export function timestamp(environment: Pick<Environment, "nowMs">): string {
  return new Date(environment.nowMs()).toISOString();
}

function abortReason(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason : new Error("aborted");
}
