import { fail } from "../errors.ts";
import type { ByteSink } from "./direct-reader.ts";
import { channels, checksumOf, frameHeaderBytes, readFrameHeader, type FrameHeader } from "./frame.ts";
import { payloadMemory } from "./payload-memory.ts";

/** A frame that came whole and was checked. */
export interface ReceivedFrame {
  header: FrameHeader;
  payload: Buffer;
  /** Gives the payload's memory back, once; without it that is left to the collector. */
  release(): void;
}

/** Cuts what a connection delivers into checked frames, each payload in one piece. Holds one frame. */
export class FrameParser implements ByteSink {
  readonly #deliver: (frame: ReceivedFrame) => void;
  readonly #isHeldBack: () => boolean;
  readonly #head = Buffer.alloc(frameHeaderBytes);
  #sequence = 0;
  #header: FrameHeader | undefined;
  #memory: Buffer | undefined;
  #payload: Buffer = this.#head;
  #have = 0;

  constructor(options: { deliver(frame: ReceivedFrame): void; isHeldBack(): boolean }) {
    this.#deliver = (frame) => options.deliver(frame);
    this.#isHeldBack = () => options.isHeldBack();
  }

  /** Whether the connection may end here. */
  get betweenFrames(): boolean {
    return this.#header === undefined && this.#have === 0;
  }

  space(): Buffer | undefined {
    if (this.#isHeldBack()) return undefined;
    return this.#header === undefined ? this.#head.subarray(this.#have) : this.#payload.subarray(this.#have);
  }

  filled(bytes: number): void {
    this.#have += bytes;
    if (this.#header === undefined) {
      if (this.#have < frameHeaderBytes) return;
      this.#begin(readFrameHeader(this.#head, this.#sequence));
    }
    if (this.#have === this.#payload.length) this.#finish();
  }

  #begin(header: FrameHeader): void {
    this.#header = header;
    this.#sequence = (this.#sequence + 1) >>> 0;
    this.#have = 0;
    // Pages are most of what comes, and written before long; everything else lives as long as it is used.
    this.#memory = header.channel === channels.pages ? payloadMemory.take() : undefined;
    this.#payload = this.#memory?.subarray(0, header.payloadBytes) ?? Buffer.allocUnsafe(header.payloadBytes);
  }

  #finish(): void {
    const header = this.#header;
    const memory = this.#memory;
    if (header === undefined) throw fail("stream-invalid", { reason: "a frame ended without a header" });
    const payload = this.#payload;
    const checksum = checksumOf(this.#head, payload);
    if (checksum !== header.checksum) {
      throw fail("stream-invalid", {
        reason: `checksum ${header.checksum} was announced for frame ${header.sequence}, found ${checksum}`,
      });
    }
    this.#header = undefined;
    this.#have = 0;
    const release = () => {
      if (memory !== undefined) payloadMemory.give(memory);
    };
    this.#deliver({ header, payload, release });
  }
}
