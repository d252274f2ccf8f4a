import { describe, expect, it } from "vitest";
import { pageBytes } from "../pages/page-server-protocol.ts";
import { MissingPages } from "./missing-pages.ts";

const at = (page: number) => page * pageBytes;
const range = (page: number, pages: number) => ({ address: at(page), pages });
const missing = (page: number, pages: number, image = page) => ({ ...range(page, pages), image: at(image) });

describe("missing pages", () => {
  it("are asked for in the order of their addresses, as many as follow each other", () => {
    const pages = new MissingPages([range(10, 5), range(20, 1)]);
    expect([pages.askNext(3), pages.askNext(3), pages.askNext(3), pages.askNext(3)]).toEqual([
      missing(10, 3),
      missing(13, 2),
      missing(20, 1),
      undefined,
    ]);
    expect(pages.isEmpty).toBe(false);
  });

  it("are asked for one by one where somebody waits, and not twice", () => {
    const pages = new MissingPages([range(10, 5)]);
    expect(pages.askBlock(at(12), 1)).toEqual(missing(12, 1));
    expect(pages.askBlock(at(12), 1)).toBeUndefined();
    expect(pages.isAsked(at(12))).toBe(true);
    expect([pages.askNext(9), pages.askNext(9), pages.askNext(9)]).toEqual([missing(10, 2), missing(13, 2), undefined]);
  });

  it("that were never dumped are not missing", () => {
    expect(new MissingPages([range(10, 5)]).askBlock(at(15), 16)).toBeUndefined();
  });

  it("come next when they didn't come", () => {
    const pages = new MissingPages([range(10, 8)]);
    pages.askNext(4);
    pages.drop(at(10), 1);
    pages.unask(at(11), 3);
    expect(pages.places(at(10), 4)).toEqual([]);
    expect([pages.askNext(9), pages.askNext(9)]).toEqual([missing(11, 3), missing(14, 4)]);
  });

  it("belong where the process has moved them, on their way or not", () => {
    const pages = new MissingPages([range(10, 8)]);
    pages.askNext(4);
    pages.move(at(12), at(50), 4);
    expect(pages.places(at(10), 4)).toEqual([missing(10, 2), missing(50, 2, 12)]);
    expect([pages.askNext(9), pages.askNext(9)]).toEqual([missing(16, 2), missing(52, 2, 14)]);
  });

  it("are all missing in a child", () => {
    const pages = new MissingPages([range(10, 4)]);
    pages.askNext(2);
    const child = pages.ofChild();
    expect([child.askNext(9), child.askNext(9)]).toEqual([missing(10, 2), missing(12, 2)]);
  });
});

/** Every page by itself: where it belongs, and whether it is on its way. By its place in the image. */
class PageRecord {
  readonly pages = new Map<number, { page: number; isAsked: boolean }>();

  constructor(ranges: readonly { address: number; pages: number }[]) {
    for (const { address, pages } of ranges)
      for (let page = address / pageBytes; page < address / pageBytes + pages; page++)
        this.pages.set(page, { page, isAsked: false });
  }

  ask(page: number): boolean {
    const entry = [...this.pages.values()].find((one) => one.page === page && !one.isAsked);
    if (entry !== undefined) entry.isAsked = true;
    return entry !== undefined;
  }

  lowest(): number {
    return Math.min(...[...this.pages.values()].filter((one) => !one.isAsked).map((one) => one.page));
  }

  in(page: number, count: number): [number, { page: number; isAsked: boolean }][] {
    return [...this.pages].filter(([, one]) => one.page >= page && one.page < page + count);
  }

  inImage(page: number, count: number): [number, { page: number; isAsked: boolean }][] {
    return [...this.pages].filter(([image]) => image >= page && image < page + count);
  }
}

describe.each([1, 2, 3, 4, 5, 6, 7, 8])("missing pages, seed %i", (seed) => {
  it("are those of a simple record of each page, whatever happens", () => {
    let state = seed;
    const random = (limit: number) => (state = (state * 48_271) % 2_147_483_647) % limit;
    const ranges = [range(0, 30), range(40, 1), range(50, 50)];
    const [pages, record] = [new MissingPages(ranges), new PageRecord(ranges)];
    let moves = 0;
    /** What is seen, and what should be. */
    const actions: ((page: number, count: number) => [unknown, unknown])[] = [
      (page, count) => {
        const block = pages.askBlock(at(page), count);
        const first = (block?.address ?? 0) / pageBytes;
        const asked = Array.from({ length: block?.pages ?? 0 }, (_, index) => record.ask(first + index));
        const isInBlock = first >= page - (page % count) && page < first + asked.length && asked.length <= count;
        return [block === undefined ? !record.ask(page) : isInBlock && asked.every(Boolean), true];
      },
      (_page, count) => {
        const lowest = record.lowest();
        const next = pages.askNext(count);
        for (const [, one] of record.in(lowest, next?.pages ?? 0)) one.isAsked = true;
        return [next?.address ?? Infinity, at(lowest)];
      },
      (page, count) => {
        pages.drop(at(page), count);
        for (const [image] of record.in(page, count)) record.pages.delete(image);
        return [pages.isEmpty, record.pages.size === 0];
      },
      (page, count) => {
        pages.unask(at(page), count);
        for (const [, one] of record.inImage(page, count)) one.isAsked = false;
        return [pages.isEmpty, record.pages.size === 0];
      },
      (page, count) => {
        if (moves === 5) return [0, 0];
        const to = 1000 * ++moves;
        pages.move(at(page), at(to), count);
        for (const [, one] of record.in(page, count)) one.page += to - page;
        return [pages.isEmpty, record.pages.size === 0];
      },
      (page, count) => {
        const places = pages
          .places(at(page), count)
          .flatMap(({ image, address, pages: length }) =>
            Array.from({ length }, (_, index): [number, number] => [
              image / pageBytes + index,
              address / pageBytes + index,
            ]),
          );
        const asked = record.inImage(page, count).filter(([, { isAsked }]) => isAsked);
        return [new Map(places), new Map(asked.map(([image, one]) => [image, one.page]))];
      },
    ];
    for (let step = 0; step < 400; step++) {
      const [seen, wanted] = actions[random(actions.length)]?.(random(110), 1 + random(12)) ?? [];
      expect(seen).toEqual(wanted);
    }
  });
});
