import { readFileSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "@vfleet/shared/basics";
import { fail } from "../../errors.ts";
import type { Chunk } from "./chunk-index.ts";
import { unpackChunk } from "./chunk-packing.ts";
import type { Sealing } from "./sealing.ts";

/** What was asked for last is asked for again: pages come in smaller parts than chunks. */
const rememberedChunks = 16;

export interface ChunkedFileOptions {
  checkpoint: string;
  /** Of the checkpoint's chunks. */
  folder: string;
  sealing: Sealing;
}

/** A member that is kept in chunks. Every chunk is looked through before a byte of it is given. */
export class ChunkedFile {
  readonly #options: ChunkedFileOptions;
  readonly #name: string;
  readonly #chunks: readonly Chunk[];
  /** Where each begins. */
  readonly #starts: number[] = [];
  readonly #remembered = new Map<number, Buffer>();
  readonly bytes: number;

  constructor(options: ChunkedFileOptions, name: string, chunks: readonly Chunk[]) {
    this.#options = options;
    this.#name = name;
    this.#chunks = chunks;
    let bytes = 0;
    for (const { plainBytes } of chunks) {
      this.#starts.push(bytes);
      bytes += plainBytes;
    }
    this.bytes = bytes;
  }

  /** As `readSync`: how many bytes are there. Throws `checkpoint-damaged`. */
  read(into: Buffer, position: number): number {
    let done = 0;
    for (let index = this.#indexOf(position); done < into.length && index < this.#chunks.length; index++) {
      const chunk = this.#plain(index);
      const from = position + done - (this.#starts[index] ?? 0);
      done += chunk.copy(into, done, from);
    }
    return done;
  }

  *parts(): Iterable<Buffer> {
    for (const index of this.#chunks.keys()) yield this.#plain(index);
  }

  #plain(index: number): Buffer {
    const remembered = this.#remembered.get(index);
    if (remembered !== undefined) return remembered;
    const plain = this.#load(index);
    this.#remembered.set(index, plain);
    for (const oldest of this.#remembered.keys()) {
      if (this.#remembered.size <= rememberedChunks) break;
      this.#remembered.delete(oldest);
    }
    return plain;
  }

  #load(index: number): Buffer {
    const { checkpoint, folder, sealing } = this.#options;
    const { id = "", plainBytes = 0 } = this.#chunks[index] ?? {};
    try {
      return unpackChunk(readFileSync(join(folder, id)), { id, plainBytes, sealing });
    } catch (thrown) {
      const reason = `has a chunk "${id}" that can't be used: ${messageOf(thrown)}`;
      throw fail("checkpoint-damaged", { checkpoint, member: this.#name, reason }, { cause: thrown });
    }
  }

  /** The last one that begins at or before a position. */
  #indexOf(position: number): number {
    let low = 0;
    let high = this.#starts.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((this.#starts[middle] ?? 0) <= position) low = middle;
      else high = middle;
    }
    return low;
  }
}
