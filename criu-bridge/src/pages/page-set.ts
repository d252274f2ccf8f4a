/** A set of pages by their places, a bit each. */
export class PageSet {
  readonly #pages: number;
  readonly #bits: Uint8Array;

  constructor(pages: number) {
    this.#pages = pages;
    this.#bits = new Uint8Array(Math.ceil(pages / 8));
  }

  has(place: number): boolean {
    return ((this.#bits[place >>> 3] ?? 0) & (1 << (place & 7))) !== 0;
  }

  add(place: number, pages: number): void {
    for (let at = place; at < Math.min(place + pages, this.#pages); at++)
      this.#bits[at >>> 3] = (this.#bits[at >>> 3] ?? 0) | (1 << (at & 7));
  }

  remove(place: number, pages: number): void {
    for (let at = place; at < Math.min(place + pages, this.#pages); at++)
      this.#bits[at >>> 3] = (this.#bits[at >>> 3] ?? 0) & ~(1 << (at & 7));
  }

  /** The first page from `place` on that is not in it; the number of all pages where every one is. */
  nextMissing(place: number): number {
    let at = place;
    while (at < this.#pages) {
      // Eight at once where all are there.
      if ((at & 7) === 0 && this.#bits[at >>> 3] === 0xff) at += 8;
      else if (this.has(at)) at++;
      else break;
    }
    return Math.min(at, this.#pages);
  }

  /** How many pages from `place` on are not in it, one after the other; at most `limit`. */
  countMissing(place: number, limit: number): number {
    const end = Math.min(place + limit, this.#pages);
    let at = place;
    while (at < end && !this.has(at)) at++;
    return Math.max(0, at - place);
  }

  /** How many pages from `place` on are in it, one after the other; at most `limit`. */
  countHeld(place: number, limit: number): number {
    const end = Math.min(place + limit, this.#pages);
    let at = place;
    while (at < end && this.has(at)) at++;
    return Math.max(0, at - place);
  }
}
