import { crc32 } from "node:zlib";
import { fail } from "../errors.ts";
import { frameHeaderBytes, readFrameHeader, type FrameHeader } from "./frame.ts";

/** A frame as it came, its payload still in the chunks that the connection delivered. */
export interface ReceivedFrame {
  header: FrameHeader;
  chunks: Buffer[];
}

/** Cuts what a connection delivers into checked frames without copying payloads. Holds at most one frame. */
export class FrameParser {
  #sequence = 0;
  #head: Buffer = Buffer.alloc(0);
  #header: FrameHeader | undefined;
  #chunks: Buffer[] = [];
  #missingBytes = 0;
  #checksum = 0;

  /** The frames that `data` completes, in order. */
  *push(data: Buffer): Generator<ReceivedFrame> {
    let rest = data;
    while (rest.length > 0) {
      if (this.#header === undefined) {
        rest = this.#takeHeader(rest);
        if (this.#header === undefined) return;
      }
      if (this.#missingBytes > 0) rest = this.#takePayload(rest);
      if (this.#missingBytes === 0) yield this.#finish();
    }
  }

  /** Whether the connection may end here. */
  get betweenFrames(): boolean {
    return this.#header === undefined && this.#head.length === 0;
  }

  #takeHeader(data: Buffer): Buffer {
    const wantedBytes = frameHeaderBytes - this.#head.length;
    const part = data.subarray(0, wantedBytes);
    const head = this.#head.length === 0 ? part : Buffer.concat([this.#head, part]);
    if (head.length < frameHeaderBytes) {
      this.#head = Buffer.from(head);
      return data.subarray(part.length);
    }
    this.#head = Buffer.alloc(0);
    this.#header = readFrameHeader(head, this.#sequence);
    this.#sequence = (this.#sequence + 1) >>> 0;
    this.#missingBytes = this.#header.payloadBytes;
    this.#checksum = 0;
    this.#chunks = [];
    return data.subarray(part.length);
  }

  #takePayload(data: Buffer): Buffer {
    const part = data.length <= this.#missingBytes ? data : data.subarray(0, this.#missingBytes);
    this.#checksum = crc32(part, this.#checksum);
    this.#chunks.push(part);
    this.#missingBytes -= part.length;
    return data.subarray(part.length);
  }

  #finish(): ReceivedFrame {
    const header = this.#header;
    if (header === undefined) throw fail("stream-invalid", { reason: "a frame ended without a header" });
    if (this.#checksum !== header.checksum) {
      throw fail("stream-invalid", { reason: `checksum ${header.checksum} was announced for frame ${header.sequence}, found ${this.#checksum}` });
    }
    this.#header = undefined;
    return { header, chunks: this.#chunks };
  }
}
