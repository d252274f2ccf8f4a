import { closeSync, openSync, readdirSync, readFileSync, readSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fail } from "../errors.ts";
import { LazyRanges, type PageRange } from "./lazy-ranges.ts";
import { entryFlags, pageBytes } from "./page-server-protocol.ts";
import { pagesIdOf, processOfPageMap, readPageMap } from "./read-page-map.ts";
import { StoredRanges } from "./stored-ranges.ts";

/** What of a process stands in front of its ranges in an index, and each range: numbers of 8 bytes. */
const headNumbers = 2;
const rangeNumbers = 3;

/** Writes where the pages of a store are, for another process. */
export function writePageIndex(path: string, processes: ReadonlyMap<number, StoredRanges>): void {
  const numbers: number[] = [];
  for (const [id, ranges] of processes) {
    numbers.push(id, ranges.all.length);
    for (const { address, pages, slot } of ranges.all) numbers.push(address, pages, slot);
  }
  writeFileSync(path, new Float64Array(numbers), { mode: 0o600 });
}

function readPageIndex(path: string): Map<number, StoredRanges> {
  const bytes = readFileSync(path);
  const numbers = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length / Float64Array.BYTES_PER_ELEMENT);
  const processes = new Map<number, StoredRanges>();
  for (let at = 0; at < numbers.length;) {
    const ranges = new StoredRanges();
    processes.set(numbers[at] ?? 0, ranges);
    const count = numbers[at + 1] ?? 0;
    at += headNumbers;
    for (let index = 0; index < count; index++, at += rangeNumbers) {
      const [address = 0, pages = 0, slot = 0] = numbers.subarray(at, at + rangeNumbers);
      ranges.add({ address, pages, slot, isLazy: true });
    }
  }
  return processes;
}

/** A file of pages, whatever it is kept in. */
export interface PagesFile {
  /** As `readSync`: how many bytes are there. */
  read(into: Buffer, position: number): number;
  close(): void;
}

/** Which pages of a process are in a file, and where. */
interface ProcessPages {
  file: PagesFile;
  ranges: StoredRanges;
}

/** Pages that are on this host, by process and address. */
export class StoredPages {
  readonly #processes: ReadonlyMap<number, ProcessPages>;

  private constructor(processes: ReadonlyMap<number, ProcessPages>) {
    this.#processes = processes;
  }

  /** Of a finished store. */
  static ofStore(paths: { store: string; index: string }): StoredPages {
    const file = openPagesFile(paths.store);
    return new StoredPages(
      new Map([...readPageIndex(paths.index)].map(([process, ranges]) => [process, { file, ranges }])),
    );
  }

  /**
   * Of CRIU's images: of each process a map, and a file with all pages that the map says are there. `open`: where such files, by their
   * names, are not in the folder.
   */
  static ofImages(folder: string, open = (name: string) => openPagesFile(join(folder, name))): StoredPages {
    const processes = new Map<number, ProcessPages>();
    for (const name of readdirSync(folder)) {
      const process = processOfPageMap(name);
      if (process === undefined) continue;
      const map = readFileSync(join(folder, name));
      const ranges = new StoredRanges();
      let slot = 0;
      for (const { address, pages, flags } of readPageMap(map)) {
        if ((flags & entryFlags.present) === 0) continue;
        ranges.add({ address, pages, slot, isLazy: (flags & entryFlags.lazy) !== 0 });
        slot += pages;
      }
      processes.set(process, { file: open(`pages-${pagesIdOf(map)}.img`), ranges });
    }
    return new StoredPages(processes);
  }

  /** Of each process those that may come after it runs. */
  lazy(): Map<number, LazyRanges> {
    return new Map(
      [...this.#processes].map(([process, { ranges }]) => [
        process,
        new LazyRanges(ranges.all.filter(({ isLazy }) => isLazy)),
      ]),
    );
  }

  /** How many pages are here one after the other, at most `limit`; 0: not here. */
  countFrom(process: number, address: number, limit: number): number {
    return Math.min(this.#processes.get(process)?.ranges.find(address)?.pages ?? 0, limit);
  }

  /** Reads what `countFrom` has counted, into the beginning of `into`. */
  read(process: number, { address, pages }: PageRange, into = Buffer.allocUnsafe(pages * pageBytes)): Buffer {
    const { file, ranges } = this.#processes.get(process) ?? {};
    const range = ranges?.find(address);
    if (file === undefined || range === undefined || range.pages < pages)
      throw fail("page-server-protocol", { reason: `there is no page at ${address.toString(16)}` });
    const data = into.subarray(0, pages * pageBytes);
    // Zero pages at the end were never written.
    return data.fill(0, file.read(data, range.slot * pageBytes));
  }

  close(): void {
    for (const file of new Set([...this.#processes.values()].map((process) => process.file))) file.close();
  }
}

function openPagesFile(path: string): PagesFile {
  const file = openSync(path, "r");
  return {
    read: (into, position) => readSync(file, into, 0, into.length, position),
    close: () => closeSync(file),
  };
}
