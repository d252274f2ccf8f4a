/** Moves side by side: so many places, and from when each is free. */
export class Lanes {
  readonly #freeAtMs: number[];

  constructor(count: number) {
    this.#freeAtMs = Array.from({ length: count }, () => 0);
  }

  /** When one could begin; infinite: never. */
  get nextMs(): number {
    return Math.min(Number.POSITIVE_INFINITY, ...this.#freeAtMs);
  }

  /** Holds the place that is free first until `endMs`. */
  holdUntil(endMs: number): void {
    this.#freeAtMs[this.#freeAtMs.indexOf(this.nextMs)] = endMs;
  }
}
