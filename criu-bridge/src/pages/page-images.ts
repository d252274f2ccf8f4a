import { closeSync, ftruncateSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fail } from "../errors.ts";
import { PageMapImage } from "./page-map-image.ts";
import { entryFlags, pageBytes, type ImageKey } from "./page-server-protocol.ts";
import { imageName, type PageTotals } from "./page-server.ts";
import { PageWriter } from "./page-writer.ts";
import { dataRuns, type PageEntry, type PagesLayout, type ReceivedPages } from "./pages-frame.ts";

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

/** Writes CRIU's page images at the target while their pages arrive. */
export class PageImages {
  readonly #folder: string;
  readonly #limitBytes: number;
  readonly #seen = new Set<string>();
  readonly #totals: PageTotals = { images: 0, pages: 0 };
  readonly #writer = new PageWriter();
  #open: OpenImage | undefined;
  #files = 0;

  /** `limitBytes`: of all pages together. */
  constructor(folder: string, limitBytes: number) {
    this.#folder = folder;
    this.#limitBytes = limitBytes;
  }

  get totals(): Readonly<PageTotals> {
    return this.#totals;
  }

  /** A promise holds the connection back. */
  take(received: ReceivedPages): Promise<void> | undefined {
    this.#writer.requireSound();
    const { layout } = received;
    const image = this.#obtain(layout.image);
    for (const entry of layout.entries) this.#addEntry(image, entry);
    this.#writeData(image, layout, received);
    return this.#writer.room();
  }

  /** Completes the images and compares them with what the source sent. */
  async finish(announced: PageTotals): Promise<void> {
    this.#sealImage();
    await this.#writer.until(() => this.#files === 0);
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
    await this.#writer.until(() => this.#files === 0).catch(() => {});
  }

  #obtain(key: ImageKey): OpenImage {
    const name = imageName(key);
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
    if ((entry.flags & entryFlags.parent) !== 0)
      throw fail("stream-invalid", { reason: `pages of ${image.name} are said to have come before` });
    if ((entry.flags & entryFlags.present) !== 0) image.expectedPages += entry.pages;
    image.map.add(entry);
  }

  #writeData(image: OpenImage, layout: PagesLayout, received: ReceivedPages): void {
    if (image.pages + layout.pageCount > image.expectedPages)
      throw fail("stream-invalid", { reason: `${image.name} has more pages than its entries` });
    this.#totals.pages += layout.pageCount;
    if (this.#totals.pages * pageBytes > this.#limitBytes) {
      throw fail("stream-invalid", { reason: `memory of at most ${this.#limitBytes} bytes was expected, found more` });
    }
    let parts = 1;
    const done = () => {
      if (--parts === 0) received.release();
    };
    for (const { first, data } of dataRuns(received)) {
      parts++;
      image.writes++;
      this.#writer.write({
        file: image.file,
        data,
        position: (image.pages + first) * pageBytes,
        done: () => {
          image.writes--;
          done();
          this.#closeIfWritten(image);
        },
      });
    }
    done();
    image.pages += layout.pageCount;
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
      if (thrown instanceof Error) this.#writer.failed(thrown);
    }
    closeSync(image.file);
    this.#files--;
  }
}
