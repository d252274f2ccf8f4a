/** Of a node, at most so many last words are remembered. */
const wordsMax = 3;

/**
 * By how much other machines' clocks are ahead of this one, as their messages say. A message that was under way for long makes a clock look
 * slow and never fast, so the largest of the last few counts. Nothing is decided by it: it is told to people.
 */
export class ClockOffsets {
  readonly #heard = new Map<string, number[]>();

  /** What a node's clock said when this one said `nowMs`. */
  hear(node: string, atMs: number, nowMs: number): void {
    this.#heard.set(node, [...(this.#heard.get(node) ?? []), atMs - nowMs].slice(-wordsMax));
  }

  /** None: it has not said enough yet. */
  of(node: string): number | undefined {
    const heard = this.#heard.get(node) ?? [];
    return heard.length < wordsMax ? undefined : Math.max(...heard);
  }
}
