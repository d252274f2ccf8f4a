import { join } from "node:path";
import { lazyPagesArguments } from "../criu/arguments.ts";
import { startInBackground, type BackgroundProgram } from "../criu/background-program.ts";
import { holdOpen } from "../criu/hold-open.ts";
import { fail } from "../errors.ts";
import { PageService } from "../pages/page-service.ts";
import { pageBytes } from "../pages/page-server-protocol.ts";
import type { PageTotals } from "../pages/page-server.ts";
import { readLazyPages } from "../pages/read-page-map.ts";
import type { ReceivedFrame } from "../stream/frame-parser.ts";
import { lazyPagesLog, type MemoryTarget, type MemoryTargetOptions } from "./memory-target.ts";

/** Descriptor of the lazy-pages daemon's socket to its page server. */
const pageSocket = 9;

/** Pages come when they are asked for: the restored server runs before it has them. */
export class RemoteMemoryTarget implements MemoryTarget {
  readonly asksForPages = true;
  readonly #options: MemoryTargetOptions;
  #service: PageService | undefined;
  #lazyPages = 0;

  constructor(options: MemoryTargetOptions) {
    this.#options = options;
  }

  take(frame: ReceivedFrame): undefined {
    if (this.#service === undefined) throw fail("stream-invalid", { reason: "pages came before they were asked for" });
    this.#service.take(frame);
  }

  async complete(announced: PageTotals): Promise<void> {
    if (announced.images !== 0 || announced.pages !== 0)
      throw fail("stream-invalid", { reason: "pages are announced that are to be asked for" });
    const { folders, limitBytes } = this.#options;
    const lazy = readLazyPages(folders.images);
    for (const { pages } of lazy.values()) this.#lazyPages += pages;
    if (this.#lazyPages * pageBytes > limitBytes)
      throw fail("stream-invalid", { reason: `memory of at most ${limitBytes} bytes was expected, found more` });
    this.#service = new PageService({
      lazy,
      ask: (wish) => this.#options.ask(wish),
      failed: (error) => this.#options.failed(error),
    });
  }

  async startFilling(): Promise<BackgroundProgram> {
    const { host, folders } = this.#options;
    const daemon = await startInBackground({
      program: host.programs.criu,
      arguments: lazyPagesArguments({ imagesFolder: folders.images, workFolder: folders.work, pageSocket }),
      logFile: join(folders.work, lazyPagesLog),
      searchPath: host.searchPath,
      socketDescriptor: pageSocket,
    });
    if (daemon.socket !== undefined) {
      holdOpen(daemon.socket, daemon.pid, host.searchPath);
      this.#service?.serve(daemon.socket);
    }
    return daemon;
  }

  get pages(): number {
    return this.#service?.arrivedPages ?? 0;
  }

  get remainingPages(): number | undefined {
    return this.#service === undefined ? undefined : Math.max(0, this.#lazyPages - this.#service.servedPages);
  }

  get isWaiting(): boolean {
    return this.#service?.isWaiting ?? false;
  }

  async close(): Promise<void> {
    this.#service?.close();
  }
}
