import type { Socket } from "node:net";
import { fail } from "../errors.ts";
import { DirectReader, type ByteSink } from "../stream/direct-reader.ts";
import { commands, type PageProtocol } from "./page-server-protocol.ts";
import type { StoredPages } from "./stored-pages.ts";

/** Of one answer; the daemon asks for the rest again. */
const answerPages = 1024;

/** The page server of `criu lazy-pages` where all pages are here. */
export class StoredPageServer implements ByteSink {
  readonly #pages: StoredPages;
  readonly #protocol: PageProtocol;
  readonly #head: Buffer;
  #headBytes = 0;
  #socket: Socket | undefined;

  constructor(pages: StoredPages, protocol: PageProtocol) {
    this.#pages = pages;
    this.#protocol = protocol;
    this.#head = Buffer.alloc(protocol.requestBytes);
  }

  serve(socket: Socket, failed: (thrown: unknown) => void): void {
    this.#socket = socket;
    new DirectReader({ socket, sink: this, failed }).start();
  }

  space(): Buffer {
    return this.#head.subarray(this.#headBytes);
  }

  filled(bytes: number): void {
    this.#headBytes += bytes;
    if (this.#headBytes < this.#head.length) return;
    this.#headBytes = 0;
    const { command, image, address, pages } = this.#protocol.readRequest(this.#head);
    if (command === commands.close || command === commands.forceClose) {
      this.#socket?.write(Buffer.alloc(4));
      return;
    }
    const count = this.#pages.countFrom(image.id, address, Math.min(pages, answerPages));
    if (command !== commands.get || count === 0)
      throw fail("page-server-protocol", {
        reason: `command ${command} for ${pages} pages at ${address.toString(16)} can't be answered`,
      });
    this.#socket?.cork();
    this.#socket?.write(this.#protocol.pagesReply(image.id, address, count));
    this.#socket?.write(this.#pages.read(image.id, address, count));
    this.#socket?.uncork();
  }
}
