import { payloadLimitBytes } from "./frame.ts";

/** Blocks that may be in use at once before more are left to the collector. */
const spareBlocks = 16;

/**
 * Blocks for payloads of pages, each as large as a payload can be. They are used again: what the collector frees late, and malloc then
 * keeps in pieces, comes to hundreds of megabytes over the move of a large server.
 */
class PayloadMemory {
  readonly #spare: Buffer[] = [];

  take(): Buffer {
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(payloadLimitBytes);
  }

  /** Nothing reads or writes the block any more. */
  give(block: Buffer): void {
    if (this.#spare.length < spareBlocks) this.#spare.push(block);
  }
}

/** Of all connections of this process together. */
export const payloadMemory = new PayloadMemory();
