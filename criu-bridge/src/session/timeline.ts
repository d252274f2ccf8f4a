import type { Environment } from "@vfleet/shared";

export interface TimelineStep {
  step: string;
  /** Since the session's start on this host. */
  atMs: number;
  durationMs?: number;
}

/** When each step of a session began and how long it took, by this host's monotonic clock. */
export class Timeline {
  readonly #environment: Pick<Environment, "monotonicMs">;
  readonly #startMs: number;
  readonly #steps: TimelineStep[] = [];

  constructor(environment: Pick<Environment, "monotonicMs">) {
    this.#environment = environment;
    this.#startMs = environment.monotonicMs();
  }

  /** An instant. */
  mark(step: string): void {
    if (this.at(step) === undefined) this.#steps.push({ step, atMs: this.#nowMs() });
  }

  /** The time something takes, whether it succeeds or not. */
  async measure<T>(step: string, work: () => Promise<T>): Promise<T> {
    const entry: TimelineStep = { step, atMs: this.#nowMs() };
    this.#steps.push(entry);
    try {
      return await work();
    } finally {
      entry.durationMs = this.#nowMs() - entry.atMs;
    }
  }

  /** Makes one step of these marks, which ends now: they can be made again. */
  fold(step: string, marks: readonly string[]): void {
    const folded = this.#steps.filter((entry) => marks.includes(entry.step));
    const nowMs = this.#nowMs();
    const atMs = Math.min(nowMs, ...folded.map((entry) => entry.atMs));
    const kept = this.#steps.filter((entry) => !folded.includes(entry));
    this.#steps.splice(0, this.#steps.length, ...kept, { step, atMs, durationMs: nowMs - atMs });
  }

  at(step: string): number | undefined {
    return this.#steps.find((entry) => entry.step === step)?.atMs;
  }

  /** From one mark to another. */
  betweenMs(from: string, to: string): number | undefined {
    const [start, end] = [this.at(from), this.at(to)];
    return start === undefined || end === undefined ? undefined : end - start;
  }

  steps(): TimelineStep[] {
    return this.#steps.map((entry) => ({ ...entry }));
  }

  #nowMs(): number {
    return Math.round((this.#environment.monotonicMs() - this.#startMs) * 10) / 10;
  }
}
