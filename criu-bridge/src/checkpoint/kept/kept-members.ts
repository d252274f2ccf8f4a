import { createHash, hash } from "node:crypto";
import { closeSync, existsSync, openSync, readFileSync, readSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { crc32 } from "node:zlib";
import { messageOf } from "@vfleet/shared";
import { fail } from "../../errors.ts";
import { checkpointFolder, type CheckpointFolder } from "../checkpoint-folder.ts";
import type { CheckpointManifest, CheckpointMember } from "../checkpoint-manifest.ts";
import type { ChunkPlace } from "./checkpoint-pages.ts";
import { readChunkIndex, writeChunkIndex, type Chunk, type ChunkIndex } from "./chunk-index.ts";
import { ChunkedFile } from "./chunked-file.ts";
import { memberNames } from "./member-names.ts";
import type { Sealing } from "./sealing.ts";

/** Chunks that are looked through before something else gets its turn. */
const chunksATurn = 8;

/** The members of a checkpoint, as they are kept. All that finds one other than it was throws `checkpoint-damaged`. */
export class KeptMembers {
  readonly #manifest: CheckpointManifest;
  readonly #folder: CheckpointFolder;
  readonly #sealing: Sealing;
  #index: ChunkIndex | undefined;
  #memory = Buffer.alloc(0);

  constructor(stateFolder: string, manifest: CheckpointManifest, sealing: Sealing) {
    this.#manifest = manifest;
    this.#folder = checkpointFolder(stateFolder, manifest.id);
    this.#sealing = sealing;
  }

  member(name: string): CheckpointMember {
    const member = this.#manifest.members.find((other) => other.name === name);
    if (member === undefined) throw this.#damaged(name, "is no member of it");
    return member;
  }

  /** Of a member that is kept in chunks; none: it is a file of its own. */
  chunked(name: string): ChunkedFile | undefined {
    const chunks = this.#chunks().get(name);
    if (chunks === undefined) return undefined;
    const options = { checkpoint: this.#manifest.id, folder: this.#folder.chunks, sealing: this.#sealing };
    const file = new ChunkedFile(options, name, chunks);
    this.#requireBytes(this.member(name), file.bytes);
    return file;
  }

  /** Of a member that is a file of its own. */
  whole(name: string): Buffer {
    const member = this.member(name);
    const path = join(this.#folder.folder, name);
    if (!existsSync(path)) throw this.#damaged(name, "is gone");
    let content: Buffer;
    try {
      content = this.#sealing.open(readFileSync(path), name);
    } catch (thrown) {
      throw this.#damaged(name, messageOf(thrown), thrown);
    }
    this.#requireBytes(member, content.length);
    if (hash("sha256", content) !== member.sha256) throw this.#damaged(name, "is not what was written");
    return content;
  }

  async *read(name: string): AsyncIterable<Buffer> {
    const file = this.chunked(name);
    if (file === undefined) {
      yield this.whole(name);
      return;
    }
    const digest = createHash("sha256");
    for (const part of file.parts()) {
      digest.update(part);
      yield part;
      await setImmediate();
    }
    if (digest.digest("hex") !== this.member(name).sha256) throw this.#damaged(name, "is not what was written");
  }

  /** For a program of its own, which fills memory. */
  layIndex(path: string): ChunkPlace {
    writeFileSync(path, writeChunkIndex(this.#chunks()), { mode: 0o600 });
    return { chunks: this.#folder.chunks, index: path };
  }

  /** Looks through everything that was written, by its digests. */
  async verify(): Promise<void> {
    for (const { name } of this.#manifest.members) for await (const _part of this.read(name)) await setImmediate();
    this.#requireNoStranger();
  }

  /**
   * Looks through everything, of chunks by their checksums: in a moment, so that a server that is to be replaced isn't ended for what is
   * damaged. Whatever is used of a chunk is held against its digest when it is.
   */
  async check(): Promise<void> {
    const chunks = new Map<string, { name: string; chunk: Chunk }>();
    for (const { name } of this.#manifest.members) {
      if (this.chunked(name) === undefined) this.whole(name);
      for (const chunk of this.#chunks().get(name) ?? []) chunks.set(chunk.id, { name, chunk });
    }
    this.#requireNoStranger();
    let checked = 0;
    for (const { name, chunk } of chunks.values()) {
      this.#checkChunk(name, chunk);
      if (++checked % chunksATurn === 0) await setImmediate();
    }
  }

  /** Twice as fast as reads beside the event loop, and over in a fraction of a millisecond. */
  #checkChunk(name: string, { id, storedBytes, crc32: expected }: Chunk): void {
    // A byte more shows that it is longer.
    if (this.#memory.length <= storedBytes) this.#memory = Buffer.allocUnsafeSlow(2 * storedBytes + 1);
    const memory = this.#memory.subarray(0, storedBytes + 1);
    let found: number;
    try {
      const file = openSync(join(this.#folder.chunks, id), "r");
      try {
        found = readSync(file, memory);
      } finally {
        closeSync(file);
      }
    } catch (thrown) {
      throw this.#damaged(name, `has a chunk "${id}" that can't be used: ${messageOf(thrown)}`, thrown);
    }
    if (found !== storedBytes || crc32(memory.subarray(0, found)) !== expected)
      throw this.#damaged(name, `has a chunk "${id}" that is not what was written`);
  }

  #chunks(): ChunkIndex {
    if (this.#index !== undefined) return this.#index;
    const name = "chunk-index";
    const { index } = this.#manifest.kept ?? {};
    if (index === undefined) throw this.#damaged(name, "is not in the manifest");
    const { bytes, sha256 } = index;
    const { index: path } = this.#folder;
    const found = statSync(path, { throwIfNoEntry: false })?.size;
    if (found === undefined) throw this.#damaged(name, "is gone");
    if (found !== bytes) throw this.#damaged(name, `must have ${bytes} bytes, found ${found}`);
    const content = readFileSync(path);
    if (hash("sha256", content) !== sha256) throw this.#damaged(name, "is not what was written");
    try {
      this.#index = readChunkIndex(this.#sealing.open(content, name));
    } catch (thrown) {
      throw this.#damaged(name, messageOf(thrown), thrown);
    }
    return this.#index;
  }

  #requireBytes({ name, bytes }: CheckpointMember, found: number): void {
    if (found !== bytes) throw this.#damaged(name, `must have ${bytes} bytes, found ${found}`);
  }

  #requireNoStranger(): void {
    const known = new Set(this.#manifest.members.map(({ name }) => name));
    const stranger = memberNames(this.#folder.folder).find((name) => !known.has(name));
    if (stranger !== undefined) throw this.#damaged(stranger, "is no member of it");
  }

  #damaged(member: string, reason: string, cause?: unknown): Error {
    return fail("checkpoint-damaged", { checkpoint: this.#manifest.id, member, reason }, { cause });
  }
}
