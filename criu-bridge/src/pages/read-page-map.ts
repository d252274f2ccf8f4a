import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fail } from "../errors.ts";
import { LazyRanges } from "./lazy-ranges.ts";
import { entryFlags, pageBytes } from "./page-server-protocol.ts";
import type { PageEntry } from "./pages-frame.ts";

/** Two magic words. */
const headBytes = 8;
const processMap = /^pagemap-(\d+)\.img$/;

/** Of which process a page map is, by its file's name. */
export function processOfPageMap(name: string): number | undefined {
  const process = processMap.exec(name)?.[1];
  return process === undefined ? undefined : Number(process);
}

/** Which image has the pages. */
export function pagesIdOf(data: Buffer): number {
  const [key, valueAt] = readVarint(data, headBytes + 4);
  if (key !== 1 << 3) throw damaged();
  return readVarint(data, valueAt)[0];
}

/** Entries of a CRIU `pagemap` image (images/pagemap.proto), as `PageMapImage` writes them. */
export function readPageMap(data: Buffer): PageEntry[] {
  const entries: PageEntry[] = [];
  let endAddress = 0;
  let at = headBytes;
  for (let index = 0; at < data.length; index++) {
    if (at + 4 > data.length) throw damaged();
    const end = at + 4 + data.readUInt32LE(at);
    if (end > data.length) throw damaged();
    // The first message names the image of the pages.
    if (index > 0) {
      const entry = readEntry(data.subarray(at + 4, end));
      // Places are counted by it, and it came from another host.
      if (entry.address < endAddress) throw damaged();
      endAddress = entry.address + entry.pages * pageBytes;
      entries.push(entry);
    }
    at = end;
  }
  return entries;
}

/** What CRIU left in the processes when it dumped them into `folder`, by their ids inside the server. */
export function readLazyPages(folder: string): Map<number, LazyRanges> {
  const lazy = new Map<number, LazyRanges>();
  for (const name of readdirSync(folder)) {
    const process = processOfPageMap(name);
    if (process === undefined) continue;
    const entries = readPageMap(readFileSync(join(folder, name)));
    const left = entries.filter(({ flags }) => (flags & entryFlags.lazy) !== 0 && (flags & entryFlags.present) === 0);
    lazy.set(process, new LazyRanges(left));
  }
  return lazy;
}

function readEntry(data: Buffer): PageEntry {
  const entry = { address: 0, pages: 0, flags: 0 };
  for (let at = 0; at < data.length;) {
    const [key, valueAt] = readVarint(data, at);
    const [value, next] = readVarint(data, valueAt);
    if (key === 1 << 3) entry.address = value;
    // Of older versions; overwritten by the 64-bit count that follows.
    if (key === 2 << 3) entry.pages = value;
    if (key === 4 << 3) entry.flags = value;
    if (key === 5 << 3) entry.pages = value;
    at = next;
  }
  if (entry.address % pageBytes !== 0 || entry.pages === 0) throw damaged();
  return entry;
}

/** The value and where the next one begins. */
function readVarint(data: Buffer, from: number): [value: number, next: number] {
  let value = 0;
  let at = from;
  for (let scale = 1; ; scale *= 0x80) {
    const byte = data[at++];
    if (byte === undefined) throw damaged();
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return [value, at];
  }
}

function damaged(): Error {
  return fail("stream-invalid", { reason: "a page map is damaged" });
}
