/** Long enough that a burst doesn't count for a rate. */
const windowMs = 2_000;
const leastMs = 100;

/** Bytes per second over the last moments of a counter. */
export class RateWindow {
  #readings: { bytes: number; atMs: number }[] = [];

  /** None: too early to say. */
  measure(bytes: number, nowMs: number): number | undefined {
    const recent = this.#readings.filter(({ atMs }) => nowMs - atMs <= windowMs);
    this.#readings = [...recent, { bytes, atMs: nowMs }];
    const [first] = this.#readings;
    if (first === undefined || nowMs - first.atMs < leastMs) return undefined;
    return Math.max(0, Math.round(((bytes - first.bytes) / (nowMs - first.atMs)) * 1000));
  }
}
