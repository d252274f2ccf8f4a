import type { PageProtocol, PageServerRequest } from "./page-server-protocol.ts";

/** Collects the head of CRIU's next request. */
export class RequestHead {
  readonly #protocol: PageProtocol;
  readonly #bytes: Buffer;
  #collected = 0;

  constructor(protocol: PageProtocol) {
    this.#protocol = protocol;
    this.#bytes = Buffer.alloc(protocol.requestBytes);
  }

  /** Where its next bytes belong. */
  space(): Buffer {
    return this.#bytes.subarray(this.#collected);
  }

  /** So many bytes were put there; gives the request once it is whole. */
  filled(bytes: number): PageServerRequest | undefined {
    this.#collected += bytes;
    if (this.#collected < this.#bytes.length) return undefined;
    this.#collected = 0;
    return this.#protocol.readRequest(this.#bytes);
  }
}
