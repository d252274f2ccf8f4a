import { pageBytes } from "../pages/page-server-protocol.ts";
import type { PageRange } from "../pages/lazy-ranges.ts";

/** Pages that follow each other, in a process and in the image of its dump. */
export interface MissingRange extends PageRange {
  /** Where they were when the process was dumped: by this they are asked for. */
  image: number;
}

/**
 * The pages that a process has not got yet: those that nobody has asked for, in the order of their addresses, and those that are on their
 * way. The process moves and gives up parts of its memory meanwhile. Pure.
 */
export class MissingPages {
  /** The highest address first: the next ones in order are the last. */
  #waiting: MissingRange[];
  #asked: MissingRange[] = [];

  /** `ranges` ascend without overlap. */
  constructor(ranges: readonly PageRange[]) {
    this.#waiting = ranges.map(({ address, pages }) => ({ address, pages, image: address })).toReversed();
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0 && this.#asked.length === 0;
  }

  isAsked(address: number): boolean {
    return this.#asked.some((range) => contains(range, address));
  }

  /**
   * The page at this address is asked for from here on, and those beside it that lie with it in an aligned block of so many; none where it
   * isn't missing.
   */
  askBlock(address: number, blockPages: number): MissingRange | undefined {
    const index = this.#firstUpTo(address);
    const range = this.#waiting[index];
    if (range === undefined || !contains(range, address)) return undefined;
    const block = address - (address % (blockPages * pageBytes));
    const start = Math.max(block, range.address);
    const end = Math.min(block + blockPages * pageBytes, endOf(range));
    return this.#take(index, { address: start, pages: (end - start) / pageBytes });
  }

  /** The next ones, from the lowest address on, up to `limit` pages, are asked for from here on. */
  askNext(limit: number): MissingRange | undefined {
    const range = this.#waiting.at(-1);
    if (range === undefined) return undefined;
    return this.#take(this.#waiting.length - 1, { address: range.address, pages: Math.min(limit, range.pages) });
  }

  /** Where pages that were asked for belong now, by where they were in the image; what the process gave up is not among them. */
  places(image: number, pages: number): MissingRange[] {
    const places: MissingRange[] = [];
    for (const range of this.#asked) {
      const start = Math.max(range.image, image);
      const end = Math.min(endOfImage(range), image + pages * pageBytes);
      if (start >= end) continue;
      places.push({ image: start, address: range.address + start - range.image, pages: (end - start) / pageBytes });
    }
    return places;
  }

  /** They have to be asked for again. */
  unask(image: number, pages: number): void {
    for (const place of this.places(image, pages)) {
      this.#asked = without(this.#asked, place);
      this.#waiting.splice(this.#firstUpTo(place.address), 0, place);
    }
  }

  /** Nobody waits for these any more: they are there, or given up. */
  drop(address: number, pages: number): void {
    const part = { address, pages };
    this.#asked = without(this.#asked, part);
    const first = this.#firstUpTo(endOf(part) - 1);
    let end = first;
    for (let range = this.#waiting[end]; range !== undefined && endOf(range) > address; range = this.#waiting[end])
      end++;
    if (end > first)
      this.#waiting.splice(first, end - first, ...descending(without(this.#waiting.slice(first, end), part)));
  }

  /** The process has moved a part of its memory. */
  move(from: number, to: number, pages: number): void {
    const part = { address: from, pages };
    const moved = (ranges: readonly MissingRange[]) =>
      cut(ranges, part).map((range) =>
        contains(part, range.address) ? { ...range, address: range.address - from + to } : range,
      );
    this.#asked = moved(this.#asked);
    this.#waiting = descending(moved(this.#waiting));
  }

  /** What a child of the process lacks: the same, and nobody has asked for it. */
  ofChild(): MissingPages {
    const child = new MissingPages([]);
    child.#waiting = descending([...this.#waiting, ...this.#asked]);
    return child;
  }

  #take(index: number, part: PageRange): MissingRange {
    const range = this.#waiting[index] ?? { ...part, image: part.address };
    const taken = { ...part, image: range.image + part.address - range.address };
    this.#waiting.splice(index, 1, ...without([range], part).toReversed());
    this.#asked.push(taken);
    return taken;
  }

  /** Index of the first one, counted from the highest, that begins at or below an address. */
  #firstUpTo(address: number): number {
    let low = -1;
    let high = this.#waiting.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((this.#waiting[middle]?.address ?? 0) <= address) high = middle;
      else low = middle;
    }
    return high;
  }
}

function descending(ranges: readonly MissingRange[]): MissingRange[] {
  return ranges.toSorted((a, b) => b.address - a.address);
}

function endOf({ address, pages }: PageRange): number {
  return address + pages * pageBytes;
}

function endOfImage({ image, pages }: MissingRange): number {
  return image + pages * pageBytes;
}

function contains(range: PageRange, address: number): boolean {
  return address >= range.address && address < endOf(range);
}

function without(ranges: readonly MissingRange[], part: PageRange): MissingRange[] {
  const kept: MissingRange[] = [];
  for (const range of ranges) {
    if (range.address >= endOf(part) || endOf(range) <= part.address) kept.push(range);
    else kept.push(...cut([range], part).filter(({ address }) => !contains(part, address)));
  }
  return kept;
}

/** The same pages, in ranges that lie within the part or outside it. */
function cut(ranges: readonly MissingRange[], part: PageRange): MissingRange[] {
  return ranges.flatMap((range) => {
    const bounds = [range.address, part.address, endOf(part), endOf(range)]
      .filter((bound) => bound >= range.address && bound <= endOf(range))
      .toSorted((a, b) => a - b);
    return bounds.slice(1).flatMap((end, index) => {
      const address = bounds[index] ?? end;
      const pages = (end - address) / pageBytes;
      return pages === 0 ? [] : [{ address, pages, image: range.image + address - range.address }];
    });
  });
}
