import { closeSync, openSync, readFileSync, readSync, writeFileSync } from "node:fs";
import { fail } from "../errors.ts";
import { pageBytes } from "./page-server-protocol.ts";
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

/** The pages of a finished store, by address. */
export class StoredPages {
  readonly #file: number;
  readonly #processes: ReadonlyMap<number, StoredRanges>;

  constructor(paths: { store: string; index: string }) {
    this.#processes = readPageIndex(paths.index);
    this.#file = openSync(paths.store, "r");
  }

  /** How many pages are here one after the other, at most `limit`; 0: not here. */
  countFrom(process: number, address: number, limit: number): number {
    return Math.min(this.#processes.get(process)?.find(address)?.pages ?? 0, limit);
  }

  /** Reads what `countFrom` has counted. */
  read(process: number, address: number, pages: number): Buffer {
    const range = this.#processes.get(process)?.find(address);
    if (range === undefined || range.pages < pages)
      throw fail("page-server-protocol", { reason: `there is no page at ${address.toString(16)}` });
    const data = Buffer.allocUnsafe(pages * pageBytes);
    // Zero pages at the end were never written.
    return data.fill(0, readSync(this.#file, data, 0, data.length, range.slot * pageBytes));
  }

  close(): void {
    closeSync(this.#file);
  }
}
