import type { ReceivedFrame } from "../stream/frame-parser.ts";
import type { PageRange } from "./lazy-ranges.ts";
import { pageBytes } from "./page-server-protocol.ts";
import { pagesHeaderBytes, type PagesLayout } from "./pages-frame.ts";

/** What a frame of many pages holds on to. */
export const heldFrameBytes = 2 * 1024 * 1024;

const zeroes = Buffer.alloc(64 * 1024);

/** A frame whose pages are still wanted by somebody: its memory is given back after the last of them. */
interface HeldFrame {
  process: number;
  uses: number;
  bytes: number;
  release(): void;
}

/** Pages of one process that follow each other. */
interface Run {
  address: number;
  pages: number;
  /** None: zero pages. */
  data: Buffer | undefined;
  frame: HeldFrame;
}

/** Pages in the order of their addresses, for a socket. */
export interface TakenPages {
  pages: number;
  buffers: Buffer[];
  /** To be called once the buffers are written. */
  written(): void;
}

export interface HeldPagesOptions {
  limitBytes: number;
  /** Pages that nobody has taken are not here any more. */
  dropped(process: number, range: PageRange): void;
}

/** The pages that have arrived before they were asked for, or while somebody waits. Bounded: the oldest frame gives way. */
export class HeldPages {
  readonly #options: HeldPagesOptions;
  readonly #runs = new Map<number, Run[]>();
  /** In the order of their arrival. */
  readonly #frames = new Set<HeldFrame>();
  #bytes = 0;

  constructor(options: HeldPagesOptions) {
    this.#options = options;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** How many are here from `address` on, one after the other, at most `limit`. */
  count(process: number, address: number, limit: number): number {
    const runs = this.#runs.get(process) ?? [];
    let pages = 0;
    for (let index = this.#find(process, address) ?? runs.length; index < runs.length && pages < limit; index++) {
      const run = runs[index];
      if (run === undefined || run.address > address + pages * pageBytes) break;
      pages = (endOf(run) - address) / pageBytes;
    }
    return Math.min(pages, limit);
  }

  put(layout: PagesLayout, received: Pick<ReceivedFrame, "payload" | "release">): void {
    const bytes = received.payload.length > heldFrameBytes / 16 ? heldFrameBytes : received.payload.length;
    const frame: HeldFrame = { process: layout.image.id, uses: 0, bytes, release: () => received.release() };
    for (const run of runsOf(layout, received.payload, frame)) this.#insert(frame, run);
    if (frame.uses === 0) {
      frame.release();
      return;
    }
    this.#frames.add(frame);
    this.#bytes += bytes;
    for (const oldest of this.#frames) {
      if (this.#bytes <= this.#options.limitBytes) break;
      this.#drop(oldest.process, (run) => run.frame === oldest);
    }
  }

  /** Takes out up to `limit` pages that are here from `address` on; they are nobody else's then. */
  take(process: number, address: number, limit: number): TakenPages {
    const taken: TakenPages = { pages: 0, buffers: [], written: () => {} };
    const used: HeldFrame[] = [];
    for (let index = this.#find(process, address); index !== undefined && taken.pages < limit;) {
      const runs = this.#runs.get(process) ?? [];
      const run = runs[index];
      const at = address + taken.pages * pageBytes;
      if (run === undefined || run.address > at) break;
      const pages = Math.min(run.pages - (at - run.address) / pageBytes, limit - taken.pages);
      const part = this.#cut(runs, index, { address: at, pages });
      taken.pages += pages;
      taken.buffers.push(...dataOf(part));
      used.push(part.frame);
      index = this.#find(process, at + pages * pageBytes);
    }
    taken.written = () => {
      for (const frame of used) this.#unuse(frame);
    };
    return taken;
  }

  /** Whoever asks for this address in order wants nothing below it any more. */
  dropBelow(process: number, address: number): void {
    const [first] = this.#runs.get(process) ?? [];
    if (first === undefined || first.address >= address) return;
    this.#drop(process, (run) => endOf(run) <= address);
  }

  clear(): void {
    for (const process of this.#runs.keys()) this.#drop(process, () => true);
  }

  /** Of the run that has the page at `address`. */
  #find(process: number, address: number): number | undefined {
    const runs = this.#runs.get(process) ?? [];
    const index = lastUpTo(runs, address);
    const run = runs[index];
    return run !== undefined && address < endOf(run) ? index : undefined;
  }

  /** What is here already is the same memory: only what it leaves free is added. */
  #insert(frame: HeldFrame, run: Run): void {
    const runs = this.#runs.get(frame.process) ?? [];
    this.#runs.set(frame.process, runs);
    const end = endOf(run);
    for (let at = run.address; at < end;) {
      const index = lastUpTo(runs, at);
      const [previous, next] = [runs[index], runs[index + 1]];
      if (previous !== undefined && endOf(previous) > at) {
        at = endOf(previous);
        continue;
      }
      const stop = Math.min(end, next?.address ?? end);
      frame.uses++;
      runs.splice(index + 1, 0, slice(run, (at - run.address) / pageBytes, (stop - at) / pageBytes));
      at = stop;
    }
  }

  /** Takes a part out of a run; what it leaves stays. The part goes on using its frame. */
  #cut(runs: Run[], index: number, part: { address: number; pages: number }): Run {
    const run = runs[index];
    if (run === undefined) throw new RangeError("no such run");
    const rest: Run[] = [];
    const before = (part.address - run.address) / pageBytes;
    if (before > 0) rest.push(slice(run, 0, before));
    const after = before + part.pages;
    if (after < run.pages) rest.push(slice(run, after, run.pages - after));
    run.frame.uses += rest.length;
    runs.splice(index, 1, ...rest);
    return slice(run, before, part.pages);
  }

  #drop(process: number, unwanted: (run: Run) => boolean): void {
    const runs = this.#runs.get(process) ?? [];
    const kept = runs.filter((run) => !unwanted(run));
    if (kept.length === runs.length) return;
    this.#runs.set(process, kept);
    for (const run of runs) {
      if (!unwanted(run)) continue;
      this.#unuse(run.frame);
      this.#options.dropped(process, run);
    }
  }

  #unuse(frame: HeldFrame): void {
    if (--frame.uses > 0) return;
    if (this.#frames.delete(frame)) this.#bytes -= frame.bytes;
    frame.release();
  }
}

function endOf(run: Run): number {
  return run.address + run.pages * pageBytes;
}

function runsOf(layout: PagesLayout, payload: Buffer, frame: HeldFrame): Run[] {
  const runs: Run[] = [];
  const zeroRuns = [...layout.zeroRuns];
  let page = 0;
  let dataAt = pagesHeaderBytes;
  for (const entry of layout.entries) {
    for (let done = 0; done < entry.pages;) {
      while ((zeroRuns[0]?.first ?? 0) + (zeroRuns[0]?.pages ?? 0) <= page && zeroRuns.length > 0) zeroRuns.shift();
      const zero = zeroRuns[0];
      const isZero = zero !== undefined && zero.first <= page;
      const end = zero === undefined ? layout.pageCount : isZero ? zero.first + zero.pages : zero.first;
      const pages = Math.min(entry.pages - done, end - page);
      // More pages than the frame says to have.
      if (pages <= 0) return runs;
      const data = isZero ? undefined : payload.subarray(dataAt, dataAt + pages * pageBytes);
      runs.push({ address: entry.address + done * pageBytes, pages, data, frame });
      dataAt += data?.length ?? 0;
      page += pages;
      done += pages;
    }
  }
  return runs;
}

function slice(run: Run, first: number, pages: number): Run {
  return {
    address: run.address + first * pageBytes,
    pages,
    data: run.data?.subarray(first * pageBytes, (first + pages) * pageBytes),
    frame: run.frame,
  };
}

function dataOf(run: Run): Buffer[] {
  if (run.data !== undefined) return [run.data];
  const buffers: Buffer[] = [];
  for (let left = run.pages * pageBytes; left > 0; left -= zeroes.length) buffers.push(zeroes.subarray(0, left));
  return buffers;
}

/** Of the last run that begins at or before `address`; -1: none. */
function lastUpTo(runs: readonly Run[], address: number): number {
  let low = -1;
  let high = runs.length;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if ((runs[middle]?.address ?? 0) <= address) low = middle;
    else high = middle;
  }
  return low;
}
