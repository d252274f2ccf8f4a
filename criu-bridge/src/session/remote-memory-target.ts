import type { BackgroundProgram } from "../criu/background-program.ts";
import { fail } from "../errors.ts";
import { PageService } from "../pages/page-service.ts";
import { pageBytes, wideProtocol } from "../pages/page-server-protocol.ts";
import type { PageTotals } from "../pages/page-server.ts";
import { readLazyPages } from "../pages/read-page-map.ts";
import type { ReceivedFrame } from "../stream/frame-parser.ts";
import type { MemoryTarget, MemoryTargetOptions } from "./memory-target.ts";
import { Filling } from "./filling.ts";

/** Pages come when they are asked for: the restored server runs before it has them. */
export class RemoteMemoryTarget implements MemoryTarget {
  readonly asksForPages = true;
  readonly #options: MemoryTargetOptions;
  #filling: Filling | undefined;
  #service: PageService | undefined;
  #lazyPages = 0;

  constructor(options: MemoryTargetOptions) {
    this.#options = options;
  }

  prepare(): void {
    this.#filling = new Filling(this.#options.host, this.#options.folders);
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
      protocol: wideProtocol,
      lazy,
      ask: (wish) => this.#options.ask(wish),
      failed: (error) => this.#options.failed(error),
    });
  }

  async startFilling(): Promise<BackgroundProgram> {
    if (this.#service === undefined || this.#filling === undefined)
      throw fail("stream-invalid", { reason: "it is restored before it is complete" });
    return this.#filling.begin("agent", this.#service);
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
    await this.#filling?.close();
  }
}
