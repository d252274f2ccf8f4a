import { closeSync, ftruncateSync, openSync, write, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fail } from "../errors.ts";
import { decompress } from "../stream/compressor.ts";
import type { ReceivedFrame } from "../stream/frame-parser.ts";
import { PageMapImage } from "./page-map-image.ts";
import { entryFlags, imageTypes, pageBytes, type ImageKey } from "./page-server-protocol.ts";
import type { PageTotals } from "./page-server.ts";
import { pagesHeaderBytes, readPagesFrame, type PageEntry, type PagesLayout } from "./pages-frame.ts";

/** Writes that may be under way before the connection is held back. */
const pendingLimitBytes = 24 * 1024 * 1024;

interface OpenImage {
  name: string;
  file: number;
  map: PageMapImage;
  /** End of the last entry: entries ascend. */
  endAddress: number;
  /** Promised by entries, and arrived. */
  expectedPages: number;
  pages: number;
  /** Under way. */
  writes: number;
  /** No more writes will be started. */
  sealed: boolean;
}

interface PageData {
  payload: Buffer;
  /** Nothing reads the payload any more. */
  written(): void;
}

/** Writes CRIU's page images at the target while their pages arrive. */
export class PageImages {
  readonly #folder: string;
  readonly #limitBytes: number;
  readonly #seen = new Set<string>();
  readonly #totals: PageTotals = { images: 0, pages: 0 };
  #open: OpenImage | undefined;
  #pendingBytes = 0;
  #files = 0;
  #failure: Error | undefined;
  #waiters: (() => void)[] = [];

  /** `limitBytes`: of all pages together. */
  constructor(folder: string, limitBytes: number) {
    this.#folder = folder;
    this.#limitBytes = limitBytes;
  }

  get totals(): Readonly<PageTotals> {
    return this.#totals;
  }

  /** Takes a frame of the pages channel. */
  take(frame: ReceivedFrame): Promise<void> | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    const payload = decompress(frame.payload, frame.header);
    const layout = readPagesFrame(payload);
    const image = this.#obtain(layout.image);
    for (const entry of layout.entries) this.#addEntry(image, entry);
    this.#writeData(image, layout, { payload, written: () => frame.release() });
    return this.#pendingBytes > pendingLimitBytes
      ? this.#until(() => this.#pendingBytes <= pendingLimitBytes / 2)
      : undefined;
  }

  /** Completes the images and compares them with what the source sent. */
  async finish(announced: PageTotals): Promise<void> {
    this.#sealImage();
    await this.#until(() => this.#files === 0);
    if (announced.images !== this.#totals.images || announced.pages !== this.#totals.pages) {
      throw fail("stream-invalid", {
        reason: `${announced.pages} pages in ${announced.images} images were announced, found ${this.#totals.pages} in ${this.#totals.images}`,
      });
    }
  }

  /** Lets go of the files; resolves when nothing writes to them any more. */
  async abandon(): Promise<void> {
    const image = this.#open;
    this.#open = undefined;
    if (image !== undefined) {
      image.sealed = true;
      this.#closeIfWritten(image);
    }
    await this.#until(() => this.#files === 0).catch(() => {});
  }

  #obtain(key: ImageKey): OpenImage {
    const name = key.type === imageTypes.process ? `pagemap-${key.id}.img` : `pagemap-shmem-${key.id}.img`;
    if (this.#open?.name === name) return this.#open;
    this.#sealImage();
    if (this.#seen.has(name)) throw fail("stream-invalid", { reason: `image ${name} came twice` });
    this.#seen.add(name);
    const pagesId = ++this.#totals.images;
    const file = openSync(join(this.#folder, `pages-${pagesId}.img`), "wx", 0o644);
    this.#files++;
    const map = new PageMapImage(pagesId);
    this.#open = { name, file, map, endAddress: 0, expectedPages: 0, pages: 0, writes: 0, sealed: false };
    return this.#open;
  }

  #addEntry(image: OpenImage, entry: PageEntry): void {
    if (entry.address < image.endAddress)
      throw fail("stream-invalid", { reason: `page ranges of ${image.name} overlap at ${entry.address}` });
    image.endAddress = entry.address + entry.pages * pageBytes;
    if ((entry.flags & entryFlags.present) !== 0) image.expectedPages += entry.pages;
    image.map.add(entry);
  }

  #writeData(image: OpenImage, layout: PagesLayout, data: PageData): void {
    if (image.pages + layout.pageCount > image.expectedPages)
      throw fail("stream-invalid", { reason: `${image.name} has more pages than its entries` });
    this.#totals.pages += layout.pageCount;
    if (this.#totals.pages * pageBytes > this.#limitBytes) {
      throw fail("stream-invalid", { reason: `memory of at most ${this.#limitBytes} bytes was expected, found more` });
    }
    let page = 0;
    let dataAt = pagesHeaderBytes;
    let parts = 1;
    const done = () => {
      if (--parts === 0) data.written();
    };
    for (const run of [...layout.zeroRuns, { first: layout.pageCount, pages: 0 }]) {
      const bytes = (run.first - page) * pageBytes;
      if (bytes > 0) {
        parts++;
        this.#write(image, {
          data: data.payload.subarray(dataAt, dataAt + bytes),
          position: (image.pages + page) * pageBytes,
          done,
        });
      }
      dataAt += bytes;
      page = run.first + run.pages;
    }
    done();
    image.pages += layout.pageCount;
  }

  #write(image: OpenImage, part: { data: Buffer; position: number; done(): void }): void {
    const bytes = part.data.length;
    this.#pendingBytes += bytes;
    image.writes++;
    write(image.file, part.data, 0, bytes, part.position, (error, written) => {
      this.#pendingBytes -= bytes;
      image.writes--;
      if (error !== null) this.#failure ??= error;
      else if (written !== bytes)
        this.#failure ??= fail("stream-invalid", {
          reason: `the images folder is full, ${written} of ${bytes} bytes were written`,
        });
      part.done();
      this.#closeIfWritten(image);
      for (const wake of this.#waiters.splice(0)) wake();
    });
  }

  #sealImage(): void {
    const image = this.#open;
    if (image === undefined) return;
    if (image.pages !== image.expectedPages) {
      throw fail("stream-invalid", {
        reason: `${image.expectedPages} pages were announced for ${image.name}, found ${image.pages}`,
      });
    }
    this.#open = undefined;
    writeFileSync(join(this.#folder, image.name), image.map.bytes(), { flag: "wx", mode: 0o644 });
    image.sealed = true;
    this.#closeIfWritten(image);
  }

  #closeIfWritten(image: OpenImage): void {
    if (!image.sealed || image.writes > 0) return;
    try {
      // Zero pages at the end were never written.
      ftruncateSync(image.file, image.pages * pageBytes);
    } catch (thrown) {
      this.#failure ??= thrown instanceof Error ? thrown : undefined;
    }
    closeSync(image.file);
    this.#files--;
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiters.push(resolve));
    if (this.#failure !== undefined) throw this.#failure;
  }
}
