import type { Socket } from "node:net";
import { fail } from "../errors.ts";
import { pageBytes, requestFlags, type PageProtocol } from "../pages/page-server-protocol.ts";
import { DirectReader, type ByteSink } from "../stream/direct-reader.ts";
import type { ArrivedPages, PageQuestion, PageSource } from "./page-source.ts";

/** Pages from a page server at the other end of a socket. */
export class PageClient implements PageSource, ByteSink {
  readonly #socket: Socket;
  readonly #protocol: PageProtocol;
  readonly #head: Buffer;
  #headBytes = 0;
  /** Of the answer that is coming. */
  #pages: Buffer = Buffer.alloc(0);
  #pagesBytes = 0;
  #reply: { process: number; address: number; pages: number } | undefined;
  #memory = Buffer.allocUnsafeSlow(pageBytes);
  #arrived: (pages: ArrivedPages) => void = () => {};

  constructor(socket: Socket, protocol: PageProtocol) {
    this.#socket = socket;
    this.#protocol = protocol;
    this.#head = Buffer.alloc(protocol.requestBytes);
  }

  open(arrived: (pages: ArrivedPages) => void, failed: (thrown: unknown) => void): void {
    this.#arrived = arrived;
    this.#socket.on("error", failed);
    this.#socket.on("close", () => failed(fail("page-server-protocol", { reason: "its socket was closed" })));
    new DirectReader({ socket: this.#socket, sink: this, failed }).start();
  }

  ask({ process, image, pages, urgent }: PageQuestion): void {
    this.#socket.write(this.#protocol.getRequest(process, image, pages, urgent ? requestFlags.urgent : 0));
  }

  space(): Buffer {
    return this.#reply === undefined ? this.#head.subarray(this.#headBytes) : this.#pages.subarray(this.#pagesBytes);
  }

  filled(bytes: number): void {
    if (this.#reply === undefined) {
      this.#headBytes += bytes;
      if (this.#headBytes === this.#head.length) this.#begin();
      return;
    }
    this.#pagesBytes += bytes;
    if (this.#pagesBytes < this.#pages.length) return;
    const { process, address } = this.#reply;
    this.#reply = undefined;
    this.#headBytes = 0;
    this.#arrived({ process, image: address, data: this.#pages });
  }

  #begin(): void {
    const reply = this.#protocol.readReply(this.#head);
    if (reply.pages === 0) throw fail("page-server-protocol", { reason: `no page came for ${reply.address}` });
    const bytes = reply.pages * pageBytes;
    if (bytes > this.#memory.length) this.#memory = Buffer.allocUnsafeSlow(bytes);
    this.#pages = this.#memory.subarray(0, bytes);
    this.#pagesBytes = 0;
    this.#reply = reply;
  }
}
