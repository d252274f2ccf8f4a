import { join } from "node:path";
import { lazyPagesArguments } from "../criu/arguments.ts";
import { startInBackground, type BackgroundProgram } from "../criu/background-program.ts";
import { PageImages } from "../pages/page-images.ts";
import type { PageTotals } from "../pages/page-server.ts";
import { receivePages } from "../pages/pages-frame.ts";
import type { ReceivedFrame } from "../stream/frame-parser.ts";
import { lazyPagesLog, type MemoryTarget, type MemoryTargetOptions } from "./memory-target.ts";

/** All pages come before the restore, which fills the memory lazily from the images here. */
export class LocalMemoryTarget implements MemoryTarget {
  readonly asksForPages = false;
  readonly remainingPages = undefined;
  readonly isWaiting = false;
  readonly #options: MemoryTargetOptions;
  readonly #images: PageImages;

  constructor(options: MemoryTargetOptions) {
    this.#options = options;
    this.#images = new PageImages(options.folders.images, options.limitBytes);
  }

  take(frame: ReceivedFrame): Promise<void> | undefined {
    return this.#images.take(receivePages(frame));
  }

  complete(announced: PageTotals): Promise<void> {
    return this.#images.finish(announced);
  }

  startFilling(): Promise<BackgroundProgram> {
    const { host, folders } = this.#options;
    return startInBackground({
      program: host.programs.criu,
      arguments: lazyPagesArguments({ imagesFolder: folders.images, workFolder: folders.work }),
      logFile: join(folders.work, lazyPagesLog),
      searchPath: host.searchPath,
      exitFile: folders.fillingExit,
    });
  }

  get pages(): number {
    return this.#images.totals.pages;
  }

  close(): Promise<void> {
    return this.#images.abandon();
  }
}
