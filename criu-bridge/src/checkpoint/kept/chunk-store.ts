import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { crc32 } from "node:zlib";
import type { Chunk } from "./chunk-index.ts";
import { chunkContent, packChunk } from "./chunk-packing.ts";
import type { Sealing } from "./sealing.ts";

/**
 * Chunks of all checkpoints of a host, by their digests: each a file that every checkpoint which has it links into a folder of its own. So
 * the file system counts who needs it, also through a crash, and a file that nobody else links is nobody's.
 */
function sharedPath(stateFolder: string, id: string): string {
  return join(stateFolder, "checkpoint-chunks", id.slice(0, 2), id);
}

/** Puts the chunks of one checkpoint into its folder. They are on the disk once the file system is synced. */
export class ChunkWriter {
  readonly #stateFolder: string;
  readonly #folder: string;
  readonly #sealing: Sealing;
  readonly #own = new Map<string, Chunk>();
  #newBytes = 0;

  constructor(stateFolder: string, folder: string, sealing: Sealing) {
    this.#stateFolder = stateFolder;
    this.#folder = folder;
    this.#sealing = sealing;
  }

  /** Of files that were not there before. */
  get newBytes(): number {
    return this.#newBytes;
  }

  put(plain: Buffer): Chunk {
    const id = this.#sealing.chunkId(plain);
    const known = this.#own.get(id);
    if (known !== undefined) return known;
    const stored = this.#share(id, plain) ?? this.#write(id, plain);
    const chunk = { id, plainBytes: plain.length, storedBytes: stored.length, crc32: crc32(stored) };
    this.#own.set(id, chunk);
    return chunk;
  }

  /** One that is there and has these very bytes. One that has others is damaged: from now on there is a good one. */
  #share(id: string, plain: Buffer): Buffer | undefined {
    const shared = sharedPath(this.#stateFolder, id);
    if (!existsSync(shared)) return undefined;
    try {
      const stored = readFileSync(shared);
      if (chunkContent(stored, { id, plainBytes: plain.length, sealing: this.#sealing }).equals(plain)) {
        linkSync(shared, join(this.#folder, id));
        return stored;
      }
    } catch {
      // Damaged; or everybody's: file systems limit the links of a file.
    }
    rmSync(shared, { force: true });
    return undefined;
  }

  #write(id: string, plain: Buffer): Buffer {
    const own = join(this.#folder, id);
    const stored = packChunk(plain, id, this.#sealing);
    writeFileSync(own, stored, { mode: 0o600, flag: "wx" });
    this.#newBytes += stored.length;
    const shared = sharedPath(this.#stateFolder, id);
    mkdirSync(dirname(shared), { recursive: true, mode: 0o700 });
    linkSync(own, shared);
    return stored;
  }
}

/** Ids of the chunks that a checkpoint has, by its folder of them. */
export function chunkIdsIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

/** Removes those of these chunks that no checkpoint has any more. */
export function releaseChunks(stateFolder: string, ids: readonly string[]): void {
  for (const id of ids) {
    const shared = sharedPath(stateFolder, id);
    if (statSync(shared, { throwIfNoEntry: false })?.nlink === 1) rmSync(shared, { force: true });
  }
}

/** Removes all that no checkpoint has: an agent may have ended in between. */
export function sweepChunks(stateFolder: string): void {
  const folder = join(stateFolder, "checkpoint-chunks");
  for (const prefix of chunkIdsIn(folder)) releaseChunks(stateFolder, readdirSync(join(folder, prefix)));
}
