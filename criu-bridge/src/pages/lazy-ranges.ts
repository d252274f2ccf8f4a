import { pageBytes } from "./page-server-protocol.ts";

export interface PageRange {
  address: number;
  pages: number;
}

/** The pages of one process that are fetched after its restore: ranges of addresses, and each page's place among all of them. */
export class LazyRanges {
  readonly #ranges: readonly PageRange[];
  /** Pages before each range. */
  readonly #before: number[] = [];
  readonly pages: number;

  /** `ranges` ascend without overlap. */
  constructor(ranges: readonly PageRange[]) {
    this.#ranges = ranges;
    let pages = 0;
    for (const range of ranges) {
      this.#before.push(pages);
      pages += range.pages;
    }
    this.pages = pages;
  }

  get all(): readonly PageRange[] {
    return this.#ranges;
  }

  /** How many pages lie below an address. */
  placeOf(address: number): number {
    const index = this.#indexBy((at) => (this.#ranges[at]?.address ?? 0) <= address);
    const range = this.#ranges[index];
    if (range === undefined) return 0;
    const inside = Math.min(Math.floor((address - range.address) / pageBytes), range.pages);
    return (this.#before[index] ?? 0) + inside;
  }

  /** How many follow each other from `address` on, at most `limit`. */
  countFrom(address: number, limit: number): number {
    let end = address;
    for (
      let index = Math.max(
        0,
        this.#indexBy((at) => (this.#ranges[at]?.address ?? 0) <= address),
      );
      ;
      index++
    ) {
      const range = this.#ranges[index];
      if (range === undefined || range.address > end || end >= address + limit * pageBytes) break;
      end = Math.max(end, range.address + range.pages * pageBytes);
    }
    return Math.min(limit, (end - address) / pageBytes);
  }

  /** Up to `pages` pages from a place on, in at most `rangeLimit` ranges. */
  from(place: number, pages: number, rangeLimit: number): PageRange[] {
    const found: PageRange[] = [];
    let left = pages;
    let skip = place;
    const start = Math.max(
      0,
      this.#indexBy((at) => (this.#before[at] ?? 0) <= place),
    );
    skip -= this.#before[start] ?? 0;
    for (let index = start; index < this.#ranges.length && left > 0 && found.length < rangeLimit; index++) {
      const range = this.#ranges[index];
      if (range === undefined) break;
      const taken = Math.min(range.pages - skip, left);
      if (taken > 0) found.push({ address: range.address + skip * pageBytes, pages: taken });
      left -= Math.max(taken, 0);
      skip = 0;
    }
    return found;
  }

  /** The last range for which `holds` is true, which it is up to some range; -1: for none. */
  #indexBy(holds: (index: number) => boolean): number {
    let low = -1;
    let high = this.#ranges.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (holds(middle)) low = middle;
      else high = middle;
    }
    return low;
  }
}

export function countPages(ranges: readonly PageRange[]): number {
  let pages = 0;
  for (const range of ranges) pages += range.pages;
  return pages;
}
