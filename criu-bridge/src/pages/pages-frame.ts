import { fail } from "../errors.ts";
import { decompress } from "../stream/compressor.ts";
import { flagCompressed, frameHeaderBytes, payloadLimitBytes } from "../stream/frame.ts";
import type { ReceivedFrame } from "../stream/frame-parser.ts";
import { payloadMemory } from "../stream/payload-memory.ts";
import {
  entryFlags,
  imageTypes,
  pageBytes,
  readUnsigned64,
  writeUnsigned64,
  type ImageKey,
} from "./page-server-protocol.ts";

export const pagesHeaderBytes = 24;
const entryBytes = 24;
const zeroRunBytes = 8;
/** Of one frame. */
const frameDataBytes = 1024 * 1024;
const frameEntryLimit = 8192;
const framePages = frameDataBytes / pageBytes;
const dataStart = frameHeaderBytes + pagesHeaderBytes;
const zeroPage = Buffer.alloc(pageBytes);

export interface PageEntry {
  address: number;
  pages: number;
  flags: number;
}

/** A run of zero pages that isn't sent; counted in pages of the frame. */
export interface ZeroRun {
  first: number;
  pages: number;
}

interface PagesFrame {
  image: ImageKey;
  entries: PageEntry[];
  /** Pages of data, zero pages included. */
  pageCount: number;
  zeroRuns: ZeroRun[];
}

/** Fills one buffer with a frame of the pages channel: header, pages as they come, then entries and zero runs. */
export class PagesFrameBuilder {
  readonly #buffer = Buffer.allocUnsafeSlow(
    dataStart + frameDataBytes + frameEntryLimit * entryBytes + framePages * zeroRunBytes,
  );
  readonly #firstWords = new Int32Array(this.#buffer.buffer, dataStart, frameDataBytes / 4);
  #image: ImageKey = { type: imageTypes.process, id: 0 };
  #entries: PageEntry[] = [];
  #dataBytes = 0;

  begin(image: ImageKey): void {
    this.#image = image;
    this.#entries = [];
    this.#dataBytes = 0;
  }

  addEntry(entry: PageEntry): void {
    this.#entries.push(entry);
  }

  /** Where the next bytes of data go, at most `limitBytes`; never empty unless it is full. */
  space(limitBytes: number): Buffer {
    const start = dataStart + this.#dataBytes;
    return this.#buffer.subarray(start, Math.min(start + limitBytes, dataStart + frameDataBytes));
  }

  filled(bytes: number): void {
    this.#dataBytes += bytes;
  }

  get isFull(): boolean {
    return this.#dataBytes === frameDataBytes || this.#entries.length >= frameEntryLimit;
  }

  /** The finished buffer, room for the frame header included. Data must be whole pages. */
  finish(): Buffer {
    const pageCount = this.#dataBytes / pageBytes;
    const zeroRuns = this.#elideZeroPages(pageCount);
    let at = dataStart + (pageCount - countPages(zeroRuns)) * pageBytes;
    for (const entry of this.#entries) {
      writeUnsigned64(this.#buffer, entry.address, at);
      writeUnsigned64(this.#buffer, entry.pages, at + 8);
      this.#buffer.writeUInt32LE(entry.flags, at + 16);
      this.#buffer.writeUInt32LE(0, at + 20);
      at += entryBytes;
    }
    for (const run of zeroRuns) {
      this.#buffer.writeUInt32LE(run.first, at);
      this.#buffer.writeUInt32LE(run.pages, at + 4);
      at += zeroRunBytes;
    }
    this.#buffer.writeUInt32LE(this.#image.type, frameHeaderBytes);
    this.#buffer.writeUInt32LE(this.#entries.length, frameHeaderBytes + 4);
    writeUnsigned64(this.#buffer, this.#image.id, frameHeaderBytes + 8);
    this.#buffer.writeUInt32LE(pageCount, frameHeaderBytes + 16);
    this.#buffer.writeUInt32LE(zeroRuns.length, frameHeaderBytes + 20);
    return this.#buffer.subarray(0, at);
  }

  #elideZeroPages(pageCount: number): ZeroRun[] {
    const runs: ZeroRun[] = [];
    let kept = 0;
    for (let page = 0; page < pageCount; page++) {
      const start = dataStart + page * pageBytes;
      if (
        this.#firstWords[page * (pageBytes / 4)] === 0 &&
        zeroPage.equals(this.#buffer.subarray(start, start + pageBytes))
      ) {
        const last = runs.at(-1);
        if (last !== undefined && last.first + last.pages === page) last.pages++;
        else runs.push({ first: page, pages: 1 });
        continue;
      }
      if (kept !== page) this.#buffer.copyWithin(dataStart + kept * pageBytes, start, start + pageBytes);
      kept++;
    }
    return runs;
  }
}

/** Where the parts of a received payload lie. */
export interface PagesLayout extends PagesFrame {
  /** Of the non-zero pages, which begin at `pagesHeaderBytes`. */
  dataBytes: number;
}

/** A frame of pages, and the memory they are in. */
export interface ReceivedPages {
  layout: PagesLayout;
  payload: Buffer;
  /** Nothing reads the payload any more. */
  release(): void;
}

export function receivePages(frame: ReceivedFrame): ReceivedPages {
  if ((frame.header.flags & flagCompressed) === 0)
    return { layout: readPagesFrame(frame.payload), payload: frame.payload, release: () => frame.release() };
  const memory = payloadMemory.take();
  const payload = decompress(frame.payload, frame.header, memory);
  frame.release();
  return { layout: readPagesFrame(payload), payload, release: () => payloadMemory.give(memory) };
}

/** The pages that are not zero, in runs; `first` counts in pages of the frame. */
export function dataRuns({ layout, payload }: ReceivedPages): { first: number; data: Buffer }[] {
  const runs: { first: number; data: Buffer }[] = [];
  let first = 0;
  let dataAt = pagesHeaderBytes;
  for (const zeroes of [...layout.zeroRuns, { first: layout.pageCount, pages: 0 }]) {
    const bytes = (zeroes.first - first) * pageBytes;
    if (bytes > 0) runs.push({ first, data: payload.subarray(dataAt, dataAt + bytes) });
    dataAt += bytes;
    first = zeroes.first + zeroes.pages;
  }
  return runs;
}

/** Checks a payload's shape. */
export function readPagesFrame(payload: Buffer): PagesLayout {
  const payloadBytes = payload.length;
  if (payloadBytes < pagesHeaderBytes || payloadBytes > payloadLimitBytes)
    throw invalid(`a pages frame cannot have ${payloadBytes} bytes`);
  const head = payload.subarray(0, pagesHeaderBytes);
  const type = head.readUInt32LE(0);
  if (type !== imageTypes.process && type !== imageTypes.sharedMemory) throw invalid(`image type ${type} is unknown`);
  const entryCount = head.readUInt32LE(4);
  const pageCount = head.readUInt32LE(16);
  const zeroRunCount = head.readUInt32LE(20);
  if (entryCount > frameEntryLimit || pageCount > framePages || zeroRunCount > framePages) {
    throw invalid(
      `a frame may have ${frameEntryLimit} entries and ${framePages} pages, found ${entryCount} and ${pageCount}`,
    );
  }
  const tailBytes = entryCount * entryBytes + zeroRunCount * zeroRunBytes;
  const dataBytes = payloadBytes - pagesHeaderBytes - tailBytes;
  if (dataBytes < 0) throw invalid(`a frame of ${payloadBytes} bytes is too short for ${entryCount} entries`);
  const tail = payload.subarray(pagesHeaderBytes + dataBytes);
  const entries: PageEntry[] = [];
  for (let index = 0; index < entryCount; index++) entries.push(readEntry(tail, index * entryBytes));
  const zeroRuns: ZeroRun[] = [];
  let free = 0;
  for (let index = 0; index < zeroRunCount; index++) {
    const at = entryCount * entryBytes + index * zeroRunBytes;
    const run = { first: tail.readUInt32LE(at), pages: tail.readUInt32LE(at + 4) };
    if (run.first < free || run.pages === 0 || run.first + run.pages > pageCount)
      throw invalid("zero runs overlap or lie outside of the frame");
    free = run.first + run.pages;
    zeroRuns.push(run);
  }
  if (dataBytes !== (pageCount - countPages(zeroRuns)) * pageBytes)
    throw invalid(`${pageCount} pages don't fit ${dataBytes} bytes of data`);
  return { image: { type, id: readUnsigned64(head, 8) }, entries, pageCount, zeroRuns, dataBytes };
}

function readEntry(from: Buffer, at: number): PageEntry {
  const entry = {
    address: readUnsigned64(from, at),
    pages: readUnsigned64(from, at + 8),
    flags: from.readUInt32LE(at + 16),
  };
  if (entry.address % pageBytes !== 0 || entry.pages === 0 || entry.address + entry.pages * pageBytes > 2 ** 57) {
    throw invalid(`an entry of ${entry.pages} pages at ${entry.address} is no range of memory`);
  }
  const isKnown = entry.flags === entryFlags.parent || (entry.flags & ~(entryFlags.lazy | entryFlags.present)) === 0;
  if (!isKnown) throw invalid(`entry flags ${entry.flags} are unknown`);
  return entry;
}

function countPages(runs: readonly ZeroRun[]): number {
  let pages = 0;
  for (const run of runs) pages += run.pages;
  return pages;
}

function invalid(reason: string) {
  return fail("stream-invalid", { reason });
}
