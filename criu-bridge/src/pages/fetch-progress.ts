import { countPages, type LazyRanges, type PageRange } from "./lazy-ranges.ts";
import { askPages } from "./page-server-protocol.ts";
import { PageSet } from "./page-set.ts";
import { requestLimitPages } from "./stored-answers.ts";

/** In one question to the source. */
export const askRanges = 256;
/** How far ahead of whoever asks in order. */
const aheadPages = 2 * askPages;

/** How far the pages of one process have been fetched. */
export class FetchProgress {
  readonly lazy: LazyRanges;
  readonly served: PageSet;
  /** Asked of the source and not dropped since: here, on its way or served. */
  readonly asked: PageSet;
  /** After the last request in order. */
  #reached = 0;
  #ahead = 0;

  constructor(lazy: LazyRanges) {
    this.lazy = lazy;
    this.served = new PageSet(lazy.pages);
    this.asked = new PageSet(lazy.pages);
  }

  /** The next page that is asked for before anybody wants it. */
  get ahead(): number {
    return this.#ahead;
  }

  get mayAskAhead(): boolean {
    return this.#reached > 0 && this.#ahead - this.#reached < aheadPages;
  }

  /** Asking ahead goes on before whoever moves on in order. */
  follow(address: number, pages: number): void {
    const place = this.lazy.placeOf(address);
    // A jump that is longer isn't the next request of a series.
    const isNear = place <= this.#ahead && place + aheadPages + requestLimitPages >= this.#ahead;
    this.#reached = place + pages;
    if (!isNear) this.#ahead = place;
  }

  noteAsked(ranges: readonly PageRange[]): void {
    for (const { address, pages } of ranges) this.asked.add(this.lazy.placeOf(address), pages);
  }

  /** The source is asked again for those that nobody has had. */
  dropped({ address, pages }: PageRange): void {
    const place = this.lazy.placeOf(address);
    for (let at = place; at < place + pages; at++) if (!this.served.has(at)) this.asked.remove(at, 1);
  }

  /** Of `limit` pages from a place on, those up to the first one that was asked for. */
  missingRanges(place: number, limit: number): PageRange[] {
    return this.lazy.from(place, this.asked.countMissing(place, limit), askRanges);
  }

  /** Of `limit` pages from a place on, those up to the first one that nobody has had. */
  servedRanges(place: number, limit: number): PageRange[] {
    return this.lazy.from(place, this.served.countHeld(place, limit), askRanges);
  }

  /** What is asked ahead next: pages in order without those that were asked for already. */
  nextRanges(): PageRange[] {
    const ranges: PageRange[] = [];
    let left = askPages;
    while (left > 0 && ranges.length < askRanges) {
      this.#ahead = this.asked.nextMissing(this.#ahead);
      const missing = this.asked.countMissing(this.#ahead, left);
      const found = this.lazy.from(this.#ahead, missing, askRanges - ranges.length);
      const pages = countPages(found);
      if (pages === 0) break;
      ranges.push(...found);
      this.#ahead += pages;
      left -= pages;
    }
    return ranges;
  }
}
