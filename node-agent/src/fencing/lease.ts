import type { Deadline } from "./fence-folder.ts";

/** Shares of the lease after which servers are frozen, and ended: an eighth is left for them to die in. */
const freezeShare = 3 / 4;
const endShare = 7 / 8;

export interface LeaseOptions {
  /** Where the deadline is written for whoever keeps it. */
  folder: { deadline: Deadline | undefined };
  /** Milliseconds by a clock that also counts while the host sleeps. */
  clockMs: () => number;
  id: () => string;
}

/**
 * The time in which a host may run servers that would be taken over without it. It is counted from before the controller was asked, the
 * controller counts from when it was: so it ends here first, whatever the clocks say.
 *
 * A term is a time in which it did not run out. What the controller said in an earlier term may no longer be so.
 */
export class Lease {
  readonly #options: LeaseOptions;
  #deadline: Deadline | undefined;
  #sentAtMs = Number.NEGATIVE_INFINITY;
  #durationMs = 0;

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#deadline = options.folder.deadline;
  }

  /** None while the lease is not held. */
  get term(): string | undefined {
    const { clockMs } = this.#options;
    return this.#deadline !== undefined && clockMs() < this.#deadline.endAtMs ? this.#deadline.term : undefined;
  }

  /** As last granted; 0: not since the agent began. */
  get durationMs(): number {
    return this.#durationMs;
  }

  /** The controller has answered what was asked at `sentAtMs`. An answer that took too long grants nothing. */
  renew(sentAtMs: number, durationMs: number): void {
    const { folder, clockMs, id } = this.#options;
    if (sentAtMs < this.#sentAtMs) return;
    this.#sentAtMs = sentAtMs;
    this.#durationMs = durationMs;
    const endAtMs = sentAtMs + durationMs * endShare;
    if (endAtMs <= clockMs()) return;
    const deadline = { freezeAtMs: sentAtMs + durationMs * freezeShare, endAtMs, term: this.term ?? id() };
    folder.deadline = deadline;
    this.#deadline = deadline;
  }
}
