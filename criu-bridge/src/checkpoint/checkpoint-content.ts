import { createHash } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { fail } from "../errors.ts";
import { removeFolder } from "../session/operation-folders.ts";
import { checkpointFolder, discardCheckpoint, type CheckpointFolder } from "./checkpoint-folder.ts";
import {
  isMemberName,
  manifestVersion,
  memberLimit,
  readManifest,
  writeManifest,
  type CheckpointManifest,
  type CheckpointMember,
} from "./checkpoint-manifest.ts";
import type { CheckpointKey } from "./kept/checkpoint-key.ts";
import type { ChunkPlace } from "./kept/checkpoint-pages.ts";
import { keepMembers } from "./kept/keep-members.ts";
import { KeptMembers } from "./kept/kept-members.ts";
import { layImages } from "./kept/lay-images.ts";
import { plainSealing, type Sealing } from "./kept/sealing.ts";

/** A whole checkpoint of this host: the one way to read its members, however they are kept. */
export interface CheckpointContent {
  /** With every member's name, plain size and plain digest. */
  manifest: CheckpointManifest;
  /** Plain bytes of a member; throws `checkpoint-damaged`, at the latest at its end, where they are not what was written. */
  read(name: string): AsyncIterable<Buffer>;
  /** Throws `checkpoint-damaged` where a member is gone, is other than it was, or was put in. */
  verify(): Promise<void>;
  /** The same in a moment: of memory by checksums, each digest when a page is used. For a restore, before it ends what runs. */
  check(): Promise<void>;
  /**
   * CRIU's images as plain files in a new folder, for a restore: with holes where memory is filled after the server runs. A folder above
   * it has to keep everybody else out. Resolves with where that memory is.
   */
  layImages(into: string): Promise<ChunkPlace>;
}

/** Throws as `readManifest`. */
export function openCheckpoint(stateFolder: string, id: string, key?: CheckpointKey): CheckpointContent {
  const manifest = readManifest(stateFolder, id, key?.sealing);
  // One from before there was a key isn't encrypted.
  const ownKey = manifest.kept?.keyId === undefined ? undefined : key;
  const kept = new KeptMembers(stateFolder, manifest, ownKey?.sealing ?? plainSealing);
  return {
    manifest,
    read: (name) => kept.read(name),
    verify: () => kept.verify(),
    check: () => kept.check(),
    layImages: async (into) => {
      await layImages(kept, manifest, into);
      return { ...kept.layIndex(`${into}-chunks`), ...(ownKey === undefined ? {} : { key: ownKey.file }) };
    },
  };
}

/** What a seal finds out by itself is left out. */
export type AboutCheckpoint = Omit<
  CheckpointManifest,
  "format" | "version" | "id" | "memoryBytes" | "members" | "kept"
>;

/** A checkpoint that is being made: it is none until it is sealed, and after a crash it is removed. */
export class CheckpointWriter {
  readonly id: string;
  /** What CRIU writes here itself becomes members, too. On a tmpfs where the host encrypts its checkpoints. */
  readonly folder: CheckpointFolder;
  readonly #stateFolder: string;
  readonly #sealing: Sealing;
  readonly #added = new Map<string, CheckpointMember>();

  constructor(stateFolder: string, id: string, key?: CheckpointKey) {
    this.id = id;
    this.#stateFolder = stateFolder;
    this.#sealing = key?.sealing ?? plainSealing;
    this.folder = checkpointFolder(key?.plainFolder ?? stateFolder, id);
    const kept = checkpointFolder(stateFolder, id);
    if (existsSync(kept.manifest)) throw new Error(`Checkpoint "${id}" is there already`);
    discardCheckpoint(stateFolder, id);
    removeFolder(this.folder.folder);
    for (const { folder } of [kept, this.folder]) mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.makeImagesFolder();
  }

  /** Empty, whatever was there. */
  makeImagesFolder(): void {
    removeFolder(this.folder.images);
    // When it is restored CRIU reads here as the server's own users; the folder above keeps everybody else out.
    mkdirSync(this.folder.images, { mode: 0o711 });
  }

  /** One member's plain bytes; at most and exactly `expected`. Throws `checkpoint-damaged`. */
  async add(expected: CheckpointMember, content: AsyncIterable<Uint8Array>): Promise<void> {
    const { name, bytes, sha256 } = expected;
    if (!isMemberName(name)) throw damaged(this.id, name, "has no name of a member");
    if (this.#added.has(name)) throw damaged(this.id, name, "is there twice");
    if (this.#added.size >= memberLimit) throw damaged(this.id, name, `is one too many: ${memberLimit} may be`);
    const hash = createHash("sha256");
    let found = 0;
    // As CRIU makes them: the folder above keeps everybody out.
    const file = await open(join(this.folder.folder, name), "wx", 0o644);
    try {
      for await (const chunk of content) {
        found += chunk.length;
        if (found > bytes) throw damaged(this.id, name, `must have ${bytes} bytes, found more`);
        hash.update(chunk);
        await file.writeFile(chunk);
      }
    } finally {
      await file.close();
    }
    if (found !== bytes) throw damaged(this.id, name, `must have ${bytes} bytes, found ${found}`);
    if (hash.digest("hex") !== sha256) throw damaged(this.id, name, "is not what was written");
    this.#added.set(name, expected);
  }

  /** It is a checkpoint from here on, also after a power cut. */
  async seal(about: AboutCheckpoint): Promise<CheckpointManifest> {
    const { members, kept } = await keepMembers({
      stateFolder: this.#stateFolder,
      plain: this.folder,
      folder: checkpointFolder(this.#stateFolder, this.id),
      sealing: this.#sealing,
      known: this.#added,
    });
    const manifest: CheckpointManifest = {
      ...about,
      format: "vfleet-checkpoint",
      version: manifestVersion,
      id: this.id,
      memoryBytes: members.filter(({ name }) => /\/pages-/.test(name)).reduce((sum, { bytes }) => sum + bytes, 0),
      members,
      kept,
    };
    await writeManifest(this.#stateFolder, manifest, this.#sealing);
    if (this.#sealing.keyId !== undefined) removeFolder(this.folder.folder);
    return manifest;
  }

  /** Nothing is left of it. */
  discard(): void {
    discardCheckpoint(this.#stateFolder, this.id);
    removeFolder(this.folder.folder);
  }
}

function damaged(checkpoint: string, member: string, reason: string): Error {
  return fail("checkpoint-damaged", { checkpoint, member, reason });
}
