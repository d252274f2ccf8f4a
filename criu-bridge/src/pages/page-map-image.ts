import type { PageEntry } from "./pages-frame.ts";

/** criu/include/magic.h */
const commonMagic = 0x54564319;
const pageMapMagic = 0x56084025;

/** Bytes of a CRIU `pagemap` image (images/pagemap.proto): magic, head, then one length-prefixed message per entry. */
export class PageMapImage {
  #buffer = Buffer.alloc(64 * 1024);
  #length = 0;

  constructor(pagesId: number) {
    this.#reserve(64);
    this.#length = this.#buffer.writeUInt32LE(commonMagic, 0);
    this.#length = this.#buffer.writeUInt32LE(pageMapMagic, this.#length);
    this.#message(() => this.#field(1, pagesId));
  }

  add(entry: PageEntry): void {
    this.#reserve(64);
    this.#message(() => {
      this.#field(1, entry.address);
      // Required, and unused since 64-bit page counts came in.
      this.#field(2, 0);
      this.#field(4, entry.flags);
      this.#field(5, entry.pages);
    });
  }

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  #message(write: () => void): void {
    const lengthAt = this.#length;
    this.#length += 4;
    write();
    this.#buffer.writeUInt32LE(this.#length - lengthAt - 4, lengthAt);
  }

  /** Protocol Buffers: a varint field. */
  #field(number: number, value: number): void {
    this.#varint(number << 3);
    this.#varint(value);
  }

  #varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.#buffer[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.#length++] = rest;
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#buffer.length) return;
    const larger = Buffer.alloc(this.#buffer.length * 2);
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}
