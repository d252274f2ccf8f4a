import type { Socket } from "node:net";
import type { PageProtocol, PageServerRequest } from "./page-server-protocol.ts";
import type { StoredPages } from "./stored-pages.ts";

/** CRIU's own largest request; it asks again for what an answer leaves out. */
export const requestLimitPages = 1024;

/** Answers requests for pages that are in a store. */
export class StoredAnswers {
  readonly #pages: StoredPages;
  readonly #protocol: PageProtocol;

  constructor(pages: StoredPages, protocol: PageProtocol) {
    this.#pages = pages;
    this.#protocol = protocol;
  }

  /** How much of it, from its first page on. */
  countFor({ image, address, pages }: PageServerRequest): number {
    return this.#pages.countFrom(image.id, address, Math.min(pages, requestLimitPages));
  }

  /** False where the first page isn't there. */
  answer(socket: Socket | undefined, request: PageServerRequest): boolean {
    const count = this.countFor(request);
    if (count === 0) return false;
    const { image, address } = request;
    socket?.cork();
    socket?.write(this.#protocol.pagesReply(image.id, address, count));
    socket?.write(this.#pages.read(image.id, { address, pages: count }));
    socket?.uncork();
    return true;
  }
}
