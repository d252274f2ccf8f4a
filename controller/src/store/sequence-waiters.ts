import type { Environment } from "@vfleet/shared";

interface Waiter {
  sequence: number;
  dueMs: number;
  end: () => void;
}

/** How often it is looked for those who have waited too long. */
const lookMs = 100;

/** Those who wait for the mirror to reach a sequence. */
export class SequenceWaiters {
  readonly #current: () => number;
  readonly #environment: Environment;
  readonly #waiting = new Set<Waiter>();
  readonly #stopLooking: () => void;

  constructor(current: () => number, environment: Environment) {
    this.#current = current;
    this.#environment = environment;
    this.#stopLooking = environment.every(lookMs, () => this.#endOverdue());
  }

  reached(sequence: number): void {
    for (const waiter of this.#waiting) if (waiter.sequence <= sequence) this.#end(waiter);
  }

  /** Whether it was reached within about `timeoutMs`. */
  async wait(sequence: number, timeoutMs: number): Promise<boolean> {
    if (this.#current() >= sequence) return true;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add({ sequence, dueMs: this.#environment.monotonicMs() + timeoutMs, end: resolve });
    await promise;
    return this.#current() >= sequence;
  }

  close(): void {
    this.#stopLooking();
    for (const waiter of this.#waiting) this.#end(waiter);
  }

  #endOverdue(): void {
    const nowMs = this.#environment.monotonicMs();
    for (const waiter of this.#waiting) if (waiter.dueMs <= nowMs) this.#end(waiter);
  }

  #end(waiter: Waiter): void {
    this.#waiting.delete(waiter);
    waiter.end();
  }
}
