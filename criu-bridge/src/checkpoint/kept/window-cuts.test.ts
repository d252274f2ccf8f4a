import { expect, it } from "vitest";
import { entryFlags, pageBytes } from "../../pages/page-server-protocol.ts";
import { evenCuts, windowBytes, windowCuts } from "./window-cuts.ts";

const page = (address: number, pages: number, flags: number = entryFlags.present) => ({ address, pages, flags });
const windowPages = windowBytes / pageBytes;
const bytes = (...pages: number[]) => pages.map((count) => count * pageBytes);

it.each([
  ["nothing", [], []],
  ["one page", [page(0x1000, 1)], [1]],
  ["whole windows", [page(windowBytes, 2 * windowPages)], [windowPages, windowPages]],
  ["across a border", [page(windowBytes - 2 * pageBytes, 5)], [2, 3]],
  ["several ranges of one window", [page(0, 1), page(4 * pageBytes, 2), page(windowBytes, 1)], [3, 1]],
  ["what isn't in the file", [page(0, 1), page(pageBytes, 7, entryFlags.lazy), page(8 * pageBytes, 1)], [2]],
  ["lazy ones too", [page(0, 1, entryFlags.present | entryFlags.lazy), page(pageBytes, 1)], [2]],
])("cuts %s", (_what, entries, cuts) => {
  const total = cuts.reduce((sum, pages) => sum + pages, 0) * pageBytes;
  expect(windowCuts(entries, total)).toEqual(bytes(...cuts));
});

it("cuts the same around a page that appears", () => {
  const before = [page(windowBytes, 3), page(2 * windowBytes, windowPages), page(5 * windowBytes, 9)];
  const after = [page(pageBytes, 1), ...before];
  expect(windowCuts(after, (13 + windowPages) * pageBytes)).toEqual([
    pageBytes,
    ...windowCuts(before, (12 + windowPages) * pageBytes),
  ]);
});

it("cuts evenly what has other pages than its map says", () => {
  expect(windowCuts([page(0, 1)], windowBytes + 1)).toEqual([windowBytes, 1]);
  expect(evenCuts(0)).toEqual([]);
});
