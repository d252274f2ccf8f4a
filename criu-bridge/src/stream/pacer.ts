import type { Environment } from "@vfleet/shared";

/** What may leave at once after a rest. */
const burstMs = 50;

/** Keeps what leaves within a rate, on average over a moment. Without a rate nothing waits. */
export class Pacer {
  readonly #environment: Pick<Environment, "monotonicMs" | "sleep">;
  readonly #bytesPerMs: number | undefined;
  /** When all that has left would have left at exactly the rate. */
  #paidUntilMs = 0;

  constructor(environment: Pick<Environment, "monotonicMs" | "sleep">, bytesPerSecond: number | undefined) {
    this.#environment = environment;
    this.#bytesPerMs = bytesPerSecond === undefined ? undefined : bytesPerSecond / 1000;
  }

  /** Counts bytes that have left, urgent ones too. */
  spend(bytes: number): void {
    if (this.#bytesPerMs === undefined) return;
    const nowMs = this.#environment.monotonicMs();
    this.#paidUntilMs = Math.max(this.#paidUntilMs, nowMs - burstMs) + bytes / this.#bytesPerMs;
  }

  /** Resolves when more may leave. */
  async turn(): Promise<void> {
    if (this.#bytesPerMs === undefined) return;
    const waitMs = this.#paidUntilMs - this.#environment.monotonicMs();
    if (waitMs > 0) await this.#environment.sleep(waitMs);
  }
}
