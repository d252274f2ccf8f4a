import type { BackgroundProgram } from "../criu/background-program.ts";
import { fail } from "../errors.ts";
import { PageImages } from "../pages/page-images.ts";
import type { PageTotals } from "../pages/page-server.ts";
import { receivePages } from "../pages/pages-frame.ts";
import type { ReceivedFrame } from "../stream/frame-parser.ts";
import { Filling } from "./filling.ts";
import type { MemoryTarget, MemoryTargetOptions } from "./memory-target.ts";

/** All pages come before the restore, which fills the memory lazily from the images here. */
export class LocalMemoryTarget implements MemoryTarget {
  readonly asksForPages = false;
  readonly remainingPages = undefined;
  readonly isWaiting = false;
  readonly #options: MemoryTargetOptions;
  readonly #images: PageImages;
  #filling: Filling | undefined;

  constructor(options: MemoryTargetOptions) {
    this.#options = options;
    this.#images = new PageImages(options.folders.images, options.limitBytes);
  }

  prepare(): void {
    this.#filling = new Filling(this.#options.host, this.#options.folders);
  }

  take(frame: ReceivedFrame): Promise<void> | undefined {
    return this.#images.take(receivePages(frame));
  }

  complete(announced: PageTotals): Promise<void> {
    return this.#images.finish(announced);
  }

  async startFilling(): Promise<BackgroundProgram> {
    if (this.#filling === undefined) throw fail("stream-invalid", { reason: "it is restored before it has begun" });
    return this.#filling.begin("images");
  }

  get pages(): number {
    return this.#images.totals.pages;
  }

  async close(): Promise<void> {
    await this.#filling?.close();
    await this.#images.abandon();
  }
}
