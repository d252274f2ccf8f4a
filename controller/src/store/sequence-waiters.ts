import type { Environment } from "@vfleet/shared";

/** Those who wait for the mirror to reach a sequence. */
export class SequenceWaiters {
  readonly #current: () => number;
  readonly #environment: Environment;
  readonly #waiting = new Set<{ sequence: number; wake: () => void }>();
  readonly #closing = new AbortController();

  constructor(current: () => number, environment: Environment) {
    this.#current = current;
    this.#environment = environment;
  }

  reached(sequence: number): void {
    for (const waiter of this.#waiting) if (waiter.sequence <= sequence) waiter.wake();
  }

  /** Whether it was reached within `timeoutMs`. */
  async wait(sequence: number, timeoutMs: number): Promise<boolean> {
    if (this.#current() >= sequence) return true;
    const done = new AbortController();
    const reached = new Promise<void>((resolve) => {
      const waiter = { sequence, wake: resolve };
      this.#waiting.add(waiter);
      done.signal.addEventListener("abort", () => this.#waiting.delete(waiter), { once: true });
    });
    const timeout = this.#environment
      .sleep(timeoutMs, AbortSignal.any([done.signal, this.#closing.signal]))
      .catch(() => undefined);
    await Promise.race([reached, timeout]);
    done.abort();
    return this.#current() >= sequence;
  }

  close(): void {
    this.#closing.abort();
  }
}
