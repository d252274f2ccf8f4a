import { closeSync, openSync, readSync } from "node:fs";
import { fail } from "../errors.ts";
import { entryFlags, imageTypes, pageBytes } from "./page-server-protocol.ts";
import type { PageTotals } from "./page-server.ts";
import { PageWriter } from "./page-writer.ts";
import { dataRuns, type PageEntry, type ReceivedPages } from "./pages-frame.ts";
import { StoredRanges, type StoredRange } from "./stored-ranges.ts";

const zeroes = Buffer.alloc(64 * pageBytes);

/** The pages of one process, as the round under way has them so far. */
interface OpenProcess {
  id: number;
  endAddress: number;
  ranges: StoredRanges;
  /** Announced, and not here yet; the data come in this order. */
  expected: StoredRange[];
}

/**
 * The memory of a server while it comes in rounds: one file of pages, in which a page that comes again takes the place it had. So it never
 * takes much more than the memory itself, however many rounds there are.
 */
export class PageStore {
  readonly path: string;
  readonly #limitPages: number;
  #file: number | undefined;
  readonly #writer = new PageWriter();
  /** After the last round, by process. */
  #processes = new Map<number, StoredRanges>();
  #round = new Map<number, StoredRanges>();
  #open: OpenProcess | undefined;
  #totals: PageTotals = { images: 0, pages: 0 };
  #endSlot = 0;
  /** Slots from here on have never been written: they hold zeroes. */
  #freshSlot = 0;
  #free: { slot: number; pages: number }[] = [];
  /** Of all processes in the round under way, whether they come or are there. */
  #roundPages = 0;
  #pagesTaken = 0;
  #isClosed = false;

  /** `limitBytes`: of all pages that the processes have in a round. The file is made once there is something to write. */
  constructor(path: string, limitBytes: number) {
    this.path = path;
    this.#limitPages = Math.floor(limitBytes / pageBytes);
  }

  /** Of all rounds. */
  get pagesTaken(): number {
    return this.#pagesTaken;
  }

  get processes(): ReadonlyMap<number, StoredRanges> {
    return this.#processes;
  }

  /** A promise holds the connection back. */
  take(received: ReceivedPages): Promise<void> | undefined {
    this.#writer.requireSound();
    const { layout } = received;
    if (layout.image.type !== imageTypes.process)
      throw fail("stream-invalid", { reason: "shared memory came in a round" });
    const process = this.#obtain(layout.image.id);
    for (const entry of layout.entries) this.#announce(process, entry);
    this.#store(process, received);
    return this.#writer.room();
  }

  /** The round is complete: compared with what the source sent. */
  async endRound(announced: PageTotals): Promise<void> {
    this.#seal();
    await this.#writer.settled();
    const { images, pages } = this.#totals;
    if (announced.images !== images || announced.pages !== pages)
      throw fail("stream-invalid", {
        reason: `${announced.pages} pages of ${announced.images} processes were announced, found ${pages} of ${images}`,
      });
    this.#release();
    this.#processes = this.#round;
    this.#round = new Map();
    this.#totals = { images: 0, pages: 0 };
    this.#roundPages = 0;
    this.#freshSlot = this.#endSlot;
  }

  read(slot: number, pages: number): Buffer {
    const data = Buffer.allocUnsafe(pages * pageBytes);
    // Zero pages at the end were never written.
    const read = readSync(this.#descriptor(), data, 0, data.length, slot * pageBytes);
    return data.fill(0, read);
  }

  /** Resolves when nothing writes to it any more. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#writer.settled().catch(() => {});
    if (this.#file !== undefined) closeSync(this.#file);
  }

  #descriptor(): number {
    this.#file ??= openSync(this.path, "wx+", 0o600);
    return this.#file;
  }

  #obtain(id: number): OpenProcess {
    if (this.#open?.id === id) return this.#open;
    this.#seal();
    if (this.#round.has(id)) throw fail("stream-invalid", { reason: `process ${id} came twice in a round` });
    this.#totals.images++;
    this.#open = { id, endAddress: 0, ranges: new StoredRanges(), expected: [] };
    this.#round.set(id, this.#open.ranges);
    return this.#open;
  }

  #announce(process: OpenProcess, entry: PageEntry): void {
    if (entry.address < process.endAddress)
      throw fail("stream-invalid", { reason: `page ranges of process ${process.id} overlap at ${entry.address}` });
    process.endAddress = entry.address + entry.pages * pageBytes;
    this.#roundPages += entry.pages;
    if (this.#roundPages > this.#limitPages)
      throw fail("stream-invalid", {
        reason: `memory of at most ${this.#limitPages} pages was expected, found more`,
      });
    if ((entry.flags & entryFlags.present) === 0) this.#keep(process, entry);
    else this.#place(process, entry, (entry.flags & entryFlags.lazy) !== 0);
  }

  /** Not written since an earlier round. */
  #keep(process: OpenProcess, entry: PageEntry): void {
    const before = this.#processes.get(process.id) ?? new StoredRanges();
    for (const { address, stored } of before.parts(entry.address, entry.pages)) {
      if (stored === undefined)
        throw fail("stream-invalid", {
          reason: `page ${address.toString(16)} of process ${process.id} was in no earlier round`,
        });
      process.ranges.add(stored);
    }
  }

  /** Where it was, or somewhere free. */
  #place(process: OpenProcess, { address, pages }: PageEntry, isLazy: boolean): void {
    const before = this.#processes.get(process.id) ?? new StoredRanges();
    for (const part of before.parts(address, pages)) {
      const places = part.stored === undefined ? this.#allocate(part.pages) : [part.stored];
      let at = part.address;
      for (const place of places) {
        const range = { address: at, pages: place.pages, slot: place.slot, isLazy };
        process.ranges.add(range);
        process.expected.push(range);
        at += place.pages * pageBytes;
      }
    }
  }

  #allocate(pages: number): { slot: number; pages: number }[] {
    const places: { slot: number; pages: number }[] = [];
    let left = pages;
    while (left > 0) {
      const free = this.#free.pop();
      if (free === undefined) break;
      const taken = Math.min(free.pages, left);
      places.push({ slot: free.slot, pages: taken });
      if (taken < free.pages) this.#free.push({ slot: free.slot + taken, pages: free.pages - taken });
      left -= taken;
    }
    if (left > 0) places.push({ slot: this.#endSlot, pages: left });
    this.#endSlot += left;
    return places;
  }

  #store(process: OpenProcess, received: ReceivedPages): void {
    const { layout } = received;
    this.#totals.pages += layout.pageCount;
    this.#pagesTaken += layout.pageCount;
    const places = takePages(process, layout.pageCount);
    let parts = 1;
    const done = () => {
      if (--parts === 0) received.release();
    };
    const data = dataRuns(received);
    for (const place of places) {
      this.#clear(place, layout.zeroRuns);
      for (const run of data) {
        const start = Math.max(run.first, place.first);
        const end = Math.min(run.first + run.data.length / pageBytes, place.first + place.pages);
        if (start >= end) continue;
        parts++;
        this.#writer.write({
          file: this.#descriptor(),
          data: run.data.subarray((start - run.first) * pageBytes, (end - run.first) * pageBytes),
          position: (place.slot + start - place.first) * pageBytes,
          done,
        });
      }
    }
    done();
  }

  /** Zero pages aren't sent; where other pages were before, they are written. */
  #clear(place: Place, zeroRuns: readonly { first: number; pages: number }[]): void {
    if (place.slot >= this.#freshSlot) return;
    for (const run of zeroRuns) {
      const end = Math.min(run.first + run.pages, place.first + place.pages);
      const step = zeroes.length / pageBytes;
      for (let at = Math.max(run.first, place.first); at < end; at += step) {
        this.#writer.write({
          file: this.#descriptor(),
          data: zeroes.subarray(0, Math.min(step, end - at) * pageBytes),
          position: (place.slot + at - place.first) * pageBytes,
          done: () => {},
        });
      }
    }
  }

  #seal(): void {
    const process = this.#open;
    this.#open = undefined;
    const missing = process?.expected[0];
    if (process !== undefined && missing !== undefined)
      throw fail("stream-invalid", {
        reason: `pages from ${missing.address.toString(16)} on of process ${process.id} were announced and did not come`,
      });
  }

  /** Pages that a process has given up, and those of processes that have ended, leave their places to others. */
  #release(): void {
    for (const [id, before] of this.#processes) {
      const now = this.#round.get(id) ?? new StoredRanges();
      for (const range of before.all) {
        for (const part of now.parts(range.address, range.pages)) {
          if (part.stored !== undefined) continue;
          this.#free.push({ slot: range.slot + (part.address - range.address) / pageBytes, pages: part.pages });
        }
      }
    }
  }
}

/** Where a part of a frame goes; `first` counts in pages of the frame. */
interface Place {
  first: number;
  pages: number;
  slot: number;
}

/** The places of the next pages that come. */
function takePages(process: OpenProcess, pages: number): Place[] {
  const places: Place[] = [];
  let first = 0;
  while (first < pages) {
    const next = process.expected.shift();
    if (next === undefined)
      throw fail("stream-invalid", { reason: `process ${process.id} has more pages than its entries` });
    const taken = Math.min(next.pages, pages - first);
    places.push({ first, pages: taken, slot: next.slot });
    if (taken < next.pages) {
      const rest = { address: next.address + taken * pageBytes, pages: next.pages - taken, slot: next.slot + taken };
      process.expected.unshift({ ...rest, isLazy: next.isLazy });
    }
    first += taken;
  }
  return places;
}
