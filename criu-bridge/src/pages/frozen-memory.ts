import { closeSync, openSync, read, readSync } from "node:fs";
import { fail } from "../errors.ts";
import { countPages } from "./lazy-ranges.ts";
import { askPages, entryFlags, imageTypes, pageBytes } from "./page-server-protocol.ts";
import { type PageWish } from "./page-service.ts";
import { PagesFrameBuilder } from "./pages-frame.ts";

/** Frames that may be on their way at once. */
const framesInFlight = { urgent: 16, ahead: 4 };
/** More than a target has any use for. */
const wishLimit = 10_000;
/** Small enough to be read without asking another thread. */
const directPages = 16;

export interface FrozenMemoryOptions {
  /** Host ids of the frozen processes by their ids inside the server. */
  processes: ReadonlyMap<number, number>;
  /** Sends a finished buffer; it may be filled again once the promise resolves. */
  send(buffer: Buffer, urgent: boolean): Promise<void>;
  failed(error: Error): void;
}

/** Gives away the memory of stopped processes, read where it is (proc(5), /proc/pid/mem). Urgent wishes go before all others. */
export class FrozenMemory {
  readonly #options: FrozenMemoryOptions;
  readonly #files = new Map<number, number>();
  readonly #wishes: { urgent: PageWish[]; ahead: PageWish[] } = { urgent: [], ahead: [] };
  readonly #free: PagesFrameBuilder[] = [];
  readonly #inFlight = { urgent: 0, ahead: 0 };
  #sentPages = 0;
  #closed = false;

  constructor(options: FrozenMemoryOptions) {
    this.#options = options;
    for (const [process, hostId] of options.processes) this.#files.set(process, openSync(`/proc/${hostId}/mem`, "r"));
  }

  get sentPages(): number {
    return this.#sentPages;
  }

  give(wish: PageWish): void {
    if (!this.#files.has(wish.process) || countPages(wish.ranges) > askPages)
      throw fail("stream-invalid", { reason: `pages of process ${wish.process} are not to be had` });
    const { urgent, ahead } = this.#wishes;
    if (urgent.length + ahead.length >= wishLimit)
      throw fail("stream-invalid", { reason: "more pages were asked for than can be given" });
    (wish.urgent ? urgent : ahead).push(wish);
    this.#next();
  }

  /** Nothing is read any more once those under way have ended. */
  close(): void {
    this.#closed = true;
    this.#wishes.urgent = [];
    this.#wishes.ahead = [];
    this.#closeIfIdle();
  }

  #next(): void {
    for (const kind of ["urgent", "ahead"] as const) {
      while (!this.#closed && this.#inFlight[kind] < framesInFlight[kind]) {
        const wish = this.#wishes[kind].shift();
        if (wish === undefined) break;
        void this.#send(wish);
      }
    }
  }

  async #send(wish: PageWish): Promise<void> {
    const kind = wish.urgent ? "urgent" : "ahead";
    const builder = this.#free.pop() ?? new PagesFrameBuilder();
    this.#inFlight[kind]++;
    try {
      const reading = this.#read(wish, builder);
      // Small ones leave at once, before anything that was begun earlier.
      if (reading !== undefined) await reading;
      this.#sentPages += countPages(wish.ranges);
      if (!this.#closed) await this.#options.send(builder.finish(), wish.urgent);
      this.#free.push(builder);
    } catch (thrown) {
      if (!this.#closed) this.#options.failed(thrown instanceof Error ? thrown : new Error(String(thrown)));
    }
    this.#inFlight[kind]--;
    if (this.#closed) this.#closeIfIdle();
    this.#next();
  }

  #read({ process, ranges }: PageWish, builder: PagesFrameBuilder): Promise<void> | undefined {
    builder.begin({ type: imageTypes.process, id: process });
    const file = this.#files.get(process);
    if (file === undefined) throw fail("stream-closed", { peer: `process ${process}` });
    const reads: Promise<void>[] = [];
    for (const { address, pages } of ranges) {
      builder.addEntry({ address, pages, flags: entryFlags.present | entryFlags.lazy });
      const space = builder.space(pages * pageBytes);
      if (pages <= directPages) requireWhole(readSync(file, space, 0, space.length, address), space, address);
      else reads.push(readAside(file, space, address));
      builder.filled(space.length);
    }
    return reads.length === 0 ? undefined : Promise.all(reads).then(() => undefined);
  }

  #closeIfIdle(): void {
    if (this.#inFlight.urgent + this.#inFlight.ahead > 0) return;
    for (const file of this.#files.values()) closeSync(file);
    this.#files.clear();
  }
}

function readAside(file: number, space: Buffer, address: number): Promise<void> {
  return new Promise((resolve, reject) => {
    read(file, space, 0, space.length, address, (error, bytes) => {
      try {
        if (error !== null) throw error;
        requireWhole(bytes, space, address);
        resolve();
      } catch (thrown) {
        reject(thrown instanceof Error ? thrown : new Error(String(thrown)));
      }
    });
  });
}

function requireWhole(bytes: number, space: Buffer, address: number): void {
  if (bytes === space.length) return;
  throw fail("memory-unreadable", { address: address.toString(16), wanted: space.length, bytes });
}
