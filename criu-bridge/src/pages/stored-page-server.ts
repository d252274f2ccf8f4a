import type { Socket } from "node:net";
import { fail } from "../errors.ts";
import { DirectReader, type ByteSink } from "../stream/direct-reader.ts";
import { commands, type PageProtocol } from "./page-server-protocol.ts";
import { RequestHead } from "./request-head.ts";
import { StoredAnswers } from "./stored-answers.ts";
import type { StoredPages } from "./stored-pages.ts";

/** The page server of `criu lazy-pages` where all pages are here. */
export class StoredPageServer implements ByteSink {
  readonly #answers: StoredAnswers;
  readonly #head: RequestHead;
  #socket: Socket | undefined;

  constructor(pages: StoredPages, protocol: PageProtocol) {
    this.#answers = new StoredAnswers(pages, protocol);
    this.#head = new RequestHead(protocol);
  }

  serve(socket: Socket, failed: (thrown: unknown) => void): void {
    this.#socket = socket;
    new DirectReader({ socket, sink: this, failed }).start();
  }

  space(): Buffer {
    return this.#head.space();
  }

  filled(bytes: number): void {
    const request = this.#head.filled(bytes);
    if (request === undefined) return;
    const { command, address, pages } = request;
    if (command === commands.close || command === commands.forceClose) {
      this.#socket?.write(Buffer.alloc(4));
      return;
    }
    if (command !== commands.get || !this.#answers.answer(this.#socket, request))
      throw fail("page-server-protocol", {
        reason: `command ${command} for ${pages} pages at ${address.toString(16)} can't be answered`,
      });
  }
}
