import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { PageMapImage } from "./page-map-image.ts";
import { entryFlags } from "./page-server-protocol.ts";
import { readLazyPages, readPageMap } from "./read-page-map.ts";

const folder = mkdtempSync(join(tmpdir(), "maps-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const entries = [
  { address: 0x40_0000, pages: 3, flags: entryFlags.present },
  { address: 0x7f00_0000_0000, pages: 300_000, flags: entryFlags.lazy },
  { address: 0x7fff_0000_0000, pages: 2, flags: entryFlags.lazy },
  { address: 0x7fff_1000_0000, pages: 1, flags: entryFlags.lazy | entryFlags.present },
];
const image = new PageMapImage(4);
for (const entry of entries) image.add(entry);

it("reads the entries that were written", () => {
  expect(readPageMap(image.bytes())).toEqual(entries);
});

it("finds what was left in each process", () => {
  writeFileSync(join(folder, "pagemap-12.img"), image.bytes());
  writeFileSync(join(folder, "pagemap-shmem-3.img"), image.bytes());
  writeFileSync(join(folder, "core-12.img"), "");
  const lazy = readLazyPages(folder);
  expect([...lazy.keys()]).toEqual([12]);
  expect(lazy.get(12)?.pages).toBe(300_002);
});

it.each([11, 20, image.bytes().length - 1])("refuses one that is cut at %d", (bytes) => {
  expect(() => readPageMap(image.bytes().subarray(0, bytes))).toThrow(/damaged/);
});

it("refuses one whose ranges overlap or go back", () => {
  const crooked = new PageMapImage(4);
  crooked.add({ address: 0x40_0000, pages: 3, flags: entryFlags.lazy });
  crooked.add({ address: 0x40_1000, pages: 1, flags: entryFlags.lazy });
  expect(() => readPageMap(crooked.bytes())).toThrow(/damaged/);
});
