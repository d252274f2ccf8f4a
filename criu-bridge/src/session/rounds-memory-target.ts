import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isPostCopyMode, type MoveMode } from "@vfleet/shared";
import type { BackgroundProgram } from "../criu/background-program.ts";
import { fail } from "../errors.ts";
import { LazyRanges } from "../pages/lazy-ranges.ts";
import { PageImages } from "../pages/page-images.ts";
import { entryFlags, imageTypes, pageBytes, wideProtocol } from "../pages/page-server-protocol.ts";
import type { PageTotals } from "../pages/page-server.ts";
import { PageService } from "../pages/page-service.ts";
import { PageStore } from "../pages/page-store.ts";
import { receivePages } from "../pages/pages-frame.ts";
import { pagesIdOf, processOfPageMap, readPageMap } from "../pages/read-page-map.ts";
import { writeRestoreImages, type RestoredRange } from "../pages/restore-images.ts";
import { StoredPages, writePageIndex } from "../pages/stored-pages.ts";
import { StoredRanges } from "../pages/stored-ranges.ts";
import type { ReceivedFrame } from "../stream/frame-parser.ts";
import type { MemoryTarget, MemoryTargetOptions } from "./memory-target.ts";
import { Filling } from "./filling.ts";

/**
 * Memory comes in rounds, into a store. What was written last comes with the frozen server, or by post-copy. Either way the
 * restored server's memory is filled page by page, so that restoring it doesn't grow with it.
 */
export class RoundsMemoryTarget implements MemoryTarget {
  readonly #options: MemoryTargetOptions;
  readonly #store: PageStore;
  readonly #index: string;
  /** Shared memory comes once, with the frozen server. */
  readonly #shared: PageImages;
  /** Waits for its work from the first round on, so that starting it takes none of the pause. */
  #filling: Filling | undefined;
  #mode: MoveMode = "Precopy";
  #service: PageService | undefined;
  #stored: StoredPages | undefined;
  #leftPages = 0;
  #pagesIds = 0;

  constructor(options: MemoryTargetOptions) {
    const { folders, limitBytes } = options;
    this.#options = options;
    this.#store = new PageStore(join(folders.rounds, "store"), limitBytes);
    this.#index = join(folders.rounds, "index");
    this.#shared = new PageImages(folders.images, limitBytes);
  }

  get asksForPages(): boolean {
    return isPostCopyMode(this.#mode);
  }

  take(frame: ReceivedFrame): Promise<void> | undefined {
    if (this.#service !== undefined) {
      this.#service.take(frame);
      return undefined;
    }
    const received = receivePages(frame);
    const isShared = received.layout.image.type === imageTypes.sharedMemory;
    return isShared ? this.#shared.take(received) : this.#store.take(received);
  }

  async endRound(announced: PageTotals): Promise<void> {
    await this.#store.endRound(announced);
    const { host, folders } = this.#options;
    this.#filling ??= new Filling(host, folders, { store: this.#store.path, index: this.#index });
  }

  endRounds(mode: MoveMode): void {
    this.#mode = mode;
  }

  async complete(announced: PageTotals): Promise<void> {
    if (this.asksForPages) return this.#completeByPostCopy(announced);
    const shared = { ...this.#shared.totals };
    await this.#shared.finish(shared);
    await this.#store.endRound({ images: announced.images - shared.images, pages: announced.pages - shared.pages });
    this.#pagesIds = shared.images;
    const follows = new Map<number, StoredRanges>();
    for (const [process, ranges] of this.#store.processes)
      this.#writeImages(
        process,
        follows,
        ranges.all.map((range) => ({ ...range, stored: range })),
      );
    writePageIndex(this.#index, follows);
  }

  /** Here or there. */
  async startFilling(): Promise<BackgroundProgram> {
    if (this.#filling === undefined) throw fail("stream-invalid", { reason: "it is restored before its first round" });
    return this.#service === undefined ? this.#filling.begin("store") : this.#filling.begin("agent", this.#service);
  }

  get pages(): number {
    return this.#store.pagesTaken + this.#shared.totals.pages + (this.#service?.arrivedPages ?? 0);
  }

  get remainingPages(): number | undefined {
    return this.#service === undefined ? undefined : Math.max(0, this.#leftPages - this.#service.servedPages);
  }

  get isWaiting(): boolean {
    return this.#service?.isWaiting ?? false;
  }

  async close(): Promise<void> {
    this.#service?.close();
    this.#stored?.close();
    await this.#filling?.close();
    await this.#shared.abandon();
    await this.#store.close();
  }

  /** The page maps came as CRIU wrote them at the source: what it left with the tasks, what it sent, and what was in earlier rounds. */
  async #completeByPostCopy(announced: PageTotals): Promise<void> {
    if (announced.images !== 0 || announced.pages !== 0)
      throw fail("stream-invalid", { reason: "pages are announced that are to be asked for" });
    const { folders, limitBytes } = this.#options;
    const maps = readdirSync(folders.images)
      .map((name) => ({ process: processOfPageMap(name), bytes: () => readFileSync(join(folders.images, name)) }))
      .filter((map) => map.process !== undefined);
    this.#pagesIds = readdirSync(folders.images).length;
    const left = new Map<number, LazyRanges>();
    const follows = new Map<number, StoredRanges>();
    for (const { process = 0, bytes } of maps) {
      const map = bytes();
      const parts = this.#partsOf(process, map);
      const missing = parts.filter(({ stored, sent }) => stored === undefined && sent === undefined);
      left.set(process, new LazyRanges(missing));
      this.#leftPages += left.get(process)?.pages ?? 0;
      this.#writeImages(process, follows, parts);
      rmSync(join(folders.images, `pages-${pagesIdOf(map)}.img`));
    }
    if (this.#leftPages * pageBytes > limitBytes)
      throw fail("stream-invalid", { reason: `memory of at most ${limitBytes} bytes was expected, found more` });
    writePageIndex(this.#index, follows);
    this.#stored = StoredPages.ofStore({ store: this.#store.path, index: this.#index });
    this.#service = new PageService({
      protocol: wideProtocol,
      lazy: left,
      stored: this.#stored,
      ask: (wish) => this.#options.ask(wish),
      failed: (error) => this.#options.failed(error),
    });
  }

  #partsOf(process: number, map: Buffer): PagePart[] {
    const earlier = this.#store.processes.get(process) ?? new StoredRanges();
    const pagesFile = join(this.#options.folders.images, `pages-${pagesIdOf(map)}.img`);
    const sentPages = readFileSync(pagesFile);
    const parts: PagePart[] = [];
    let sentAt = 0;
    for (const { address, pages, flags } of readPageMap(map)) {
      if ((flags & entryFlags.present) !== 0) {
        const sent = sentPages.subarray(sentAt, sentAt + pages * pageBytes);
        if (sent.length < pages * pageBytes)
          throw fail("stream-invalid", { reason: `pages of process ${process} were not sent` });
        sentAt += sent.length;
        parts.push({ address, pages, sent });
      } else if ((flags & entryFlags.parent) === 0) parts.push({ address, pages });
      else {
        for (const part of earlier.parts(address, pages)) {
          if (part.stored === undefined)
            throw fail("stream-invalid", { reason: `pages of process ${process} were in no earlier round` });
          parts.push({ address: part.address, pages: part.pages, stored: part.stored });
        }
      }
    }
    return parts;
  }

  /** Puts what follows from the store into `follows`. */
  #writeImages(process: number, follows: Map<number, StoredRanges>, parts: readonly PagePart[]): void {
    const later = new StoredRanges();
    const ranges = parts.map(({ address, pages, stored, sent }): RestoredRange => {
      if (sent !== undefined) return { address, pages, read: () => sent };
      if (stored === undefined) return { address, pages, read: undefined };
      if (!stored.isLazy) return { address, pages, read: () => this.#store.read(stored.slot, pages) };
      later.add(stored);
      return { address, pages, read: undefined };
    });
    follows.set(process, later);
    writeRestoreImages(this.#options.folders.images, { process, pagesId: ++this.#pagesIds, ranges });
  }
}

/** Pages of the frozen server: of an earlier round, sent since, or, where it is neither, left with the tasks. */
interface PagePart {
  address: number;
  pages: number;
  stored?: { slot: number; isLazy: boolean; address: number; pages: number };
  sent?: Buffer;
}
