import { pageBytes } from "./page-server-protocol.ts";

/** Pages of one process that follow each other, in a store too. */
export interface StoredRange {
  address: number;
  pages: number;
  /** Of the first one in the store, counted in pages. */
  slot: number;
  /** Whether it may come after the process runs. */
  isLazy: boolean;
}

/** Part of a wanted range: `stored` where it is there. */
export interface RangePart {
  address: number;
  pages: number;
  stored: StoredRange | undefined;
}

/** Where the pages of one process are: ranges that ascend without overlap. */
export class StoredRanges {
  readonly #ranges: StoredRange[] = [];
  #pages = 0;

  get pages(): number {
    return this.#pages;
  }

  get all(): readonly StoredRange[] {
    return this.#ranges;
  }

  /** Above all that are there; joined with the last one where they go on from each other. */
  add(range: StoredRange): void {
    this.#pages += range.pages;
    const last = this.#ranges.at(-1);
    const follows =
      last !== undefined &&
      last.isLazy === range.isLazy &&
      last.address + last.pages * pageBytes === range.address &&
      last.slot + last.pages === range.slot;
    if (follows) last.pages += range.pages;
    else this.#ranges.push({ ...range });
  }

  /** What is there from `address` on. */
  find(address: number): StoredRange | undefined {
    const range = this.#ranges[this.#lastUpTo(address)];
    if (range === undefined || address >= endOf(range)) return undefined;
    return sliceOf(range, address, (endOf(range) - address) / pageBytes);
  }

  /** A range in parts that are there, and parts that are not. */
  parts(address: number, pages: number): RangePart[] {
    const parts: RangePart[] = [];
    const end = address + pages * pageBytes;
    let index = Math.max(0, this.#lastUpTo(address));
    for (let at = address; at < end;) {
      const range = this.#ranges[index];
      if (range !== undefined && endOf(range) <= at) {
        index++;
        continue;
      }
      const isHere = range !== undefined && range.address <= at;
      const stop = isHere ? Math.min(end, endOf(range)) : Math.min(end, range?.address ?? end);
      const count = (stop - at) / pageBytes;
      parts.push({ address: at, pages: count, stored: isHere ? sliceOf(range, at, count) : undefined });
      at = stop;
    }
    return parts;
  }

  #lastUpTo(address: number): number {
    let low = -1;
    let high = this.#ranges.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((this.#ranges[middle]?.address ?? 0) <= address) low = middle;
      else high = middle;
    }
    return low;
  }
}

function endOf(range: StoredRange): number {
  return range.address + range.pages * pageBytes;
}

function sliceOf(range: StoredRange, address: number, pages: number): StoredRange {
  return { address, pages, slot: range.slot + (address - range.address) / pageBytes, isLazy: range.isLazy };
}
