import { createHash } from "node:crypto";
import { statfsSync } from "node:fs";
import { PassThrough, type Readable } from "node:stream";
import { extract, type Extract } from "tar-stream";
import {
  bridgeError,
  CheckpointWriter,
  parseManifest,
  type CheckpointKey,
  type CheckpointManifest,
} from "@vfleet/criu-bridge";
import { codeOf, messageOf } from "@vfleet/shared";
import { z } from "zod";
import {
  configMember,
  isVolumePart,
  manifestBytesMax,
  manifestMember,
  partDigestRecord,
  smallMemberBytesMax,
  volumeMember,
  volumePartBytes,
  volumePartName,
  volumeSummarySchema,
} from "./archive-format.ts";

const paxSchema = z.record(z.string(), z.string()).catch({});
/** Left free on the disk, whatever an archive says it holds. */
const spareBytes = 256 << 20;

export interface UnpackOptions {
  stateFolder: string;
  volumesFolder: string;
  /** Under which it is kept here, whatever the archive calls it. */
  id: string;
  /** Whom a copy must be of; none: whatever it is of. */
  expectedId?: string;
  /** What the host's storage will call the volume. */
  snapshot: string;
  receiveVolume: (stream: Readable) => Promise<void>;
  /** With which it is kept here. */
  key?: CheckpointKey | undefined;
}

/**
 * Makes a checkpoint of an archive's bytes. Throws `checkpoint-damaged` with the member, or `checkpoint-version`; nothing of it is left then, but
 * the volume, which is the caller's to remove.
 */
export async function unpackCheckpoint(archive: Readable, options: UnpackOptions): Promise<CheckpointManifest> {
  const reader = extract();
  archive.once("error", (error) => reader.destroy(error));
  archive.pipe(reader);
  const unpacking = new Unpacking(options);
  try {
    return await unpacking.unpack(reader);
  } catch (thrown) {
    unpacking.discard();
    throw unpacking.named(thrown);
  } finally {
    archive.destroy();
    reader.destroy();
  }
}

type Entry = Extract extends AsyncIterable<infer T> ? T : never;

class Unpacking {
  readonly #options: UnpackOptions;
  readonly #seen = new Set<string>();
  readonly #volume = new PassThrough({ highWaterMark: volumePartBytes });
  #writer: CheckpointWriter | undefined;
  #received: Promise<void> = Promise.resolve();
  #member = manifestMember;
  #parts = 0;
  #volumeBytes = 0;
  #isEnded = false;

  constructor(options: UnpackOptions) {
    this.#options = options;
    this.#volume.on("error", () => {});
  }

  async unpack(archive: Extract): Promise<CheckpointManifest> {
    const { id, stateFolder, receiveVolume, snapshot, key } = this.#options;
    let manifest: CheckpointManifest | undefined;
    for await (const entry of archive) {
      this.#member = entry.header.name;
      this.#requirePlain(entry);
      if (manifest === undefined) {
        manifest = await this.#manifest(entry);
        this.#writer = new CheckpointWriter(stateFolder, id, key);
        this.#received = receiveVolume(this.#volume);
        // It is waited for at the end; a failure before that ends the volume's parts.
        this.#received.catch((thrown: unknown) => this.#volume.destroy(asError(thrown)));
      } else await this.#add(entry, manifest, this.#writer);
      this.#seen.add(entry.header.name);
    }
    const missing = [...(manifest?.members ?? []).map(({ name }) => name), volumeMember].find(
      (name) => !this.#seen.has(name),
    );
    if (manifest === undefined || this.#writer === undefined) throw this.#damaged("is gone");
    this.#member = missing ?? volumeMember;
    if (missing !== undefined) throw this.#damaged("is gone");
    await this.#received;
    const { format: _format, version: _version, id: _id, memoryBytes: _memory, members: _members, ...about } = manifest;
    return this.#writer.seal({ ...about, volume: { snapshot, bytes: manifest.volume.bytes } });
  }

  discard(): void {
    this.#volume.destroy(new Error("the archive is not whole"));
    this.#writer?.discard();
  }

  /** As what it is about: a stream that breaks off does so in a member. */
  named(thrown: unknown): unknown {
    const isAbout = ["checkpoint-damaged", "checkpoint-version", "checkpoint-no-room", "volume-stream-refused"];
    if (isAbout.includes(codeOf(thrown))) return thrown;
    return bridgeError(
      "checkpoint-damaged",
      {
        checkpoint: this.#options.id,
        member: this.#member,
        reason: `or what follows it can't be read: ${messageOf(thrown)}`,
      },
      { cause: thrown },
    );
  }

  async #manifest(entry: Entry): Promise<CheckpointManifest> {
    const { id, expectedId, stateFolder } = this.#options;
    if (entry.header.name !== manifestMember) throw this.#damaged(`must come after ${manifestMember}`);
    const manifest = parseManifest(id, (await this.#text(entry, manifestBytesMax)).toString("utf8"));
    if (expectedId !== undefined && manifest.id !== expectedId)
      throw this.#damaged(`is that of ${JSON.stringify(manifest.id)}`);
    const wantedBytes = manifest.members.reduce((sum, { bytes }) => sum + bytes, 0) + spareBytes;
    const freeBytes = freeBytesOf(stateFolder);
    if (freeBytes < wantedBytes)
      throw bridgeError("checkpoint-no-room", { server: manifest.server, folder: stateFolder, wantedBytes, freeBytes });
    return manifest;
  }

  async #add(entry: Entry, manifest: CheckpointManifest, writer: CheckpointWriter | undefined): Promise<void> {
    const { name } = entry.header;
    if (this.#seen.has(name)) throw this.#damaged("is there twice");
    if (this.#isEnded) throw this.#damaged("comes after the end");
    if (name === configMember) return void (await this.#text(entry, smallMemberBytesMax));
    if (isVolumePart(name)) return this.#part(entry);
    if (name === volumeMember) return this.#end(entry);
    const member = manifest.members.find((other) => other.name === name);
    if (member === undefined) throw this.#damaged("is no member of it");
    await writer?.add(member, entry as AsyncIterable<Buffer>);
  }

  /** Nothing of it goes on before its digest is known. */
  async #part(entry: Entry): Promise<void> {
    const { name, pax } = entry.header;
    if (name !== volumePartName(this.#parts)) throw this.#damaged(`must be ${volumePartName(this.#parts)}`);
    const part = await this.#text(entry, volumePartBytes);
    if (createHash("sha256").update(part).digest("hex") !== paxSchema.parse(pax)[partDigestRecord])
      throw this.#damaged("is not what was written");
    this.#parts += 1;
    this.#volumeBytes += part.length;
    if (freeBytesOf(this.#options.volumesFolder) < spareBytes)
      throw this.#damaged("is more than there is room for on this host");
    if (this.#volume.destroyed) return this.#received;
    if (!this.#volume.write(part))
      await new Promise((go) => this.#volume.once("drain", () => go(undefined)).once("close", () => go(undefined)));
  }

  async #end(entry: Entry): Promise<void> {
    const found: unknown = JSON.parse((await this.#text(entry, smallMemberBytesMax)).toString("utf8"));
    const { parts, bytes } = volumeSummarySchema.parse(found);
    if (parts !== this.#parts || bytes !== this.#volumeBytes)
      throw this.#damaged(`tells of ${parts} parts of ${bytes} bytes, found ${this.#parts} of ${this.#volumeBytes}`);
    this.#isEnded = true;
    this.#volume.end();
  }

  async #text(entry: Entry, bytesMax: number): Promise<Buffer> {
    if ((entry.header.size ?? 0) > bytesMax) throw this.#damaged(`must have at most ${bytesMax} bytes`);
    const chunks: Buffer[] = [];
    for await (const chunk of entry as AsyncIterable<Buffer>) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  #requirePlain({ header }: Entry): void {
    if (header.type !== "file") throw this.#damaged(`must be a file, it is a ${header.type ?? "member of no type"}`);
  }

  #damaged(reason: string): Error {
    return bridgeError("checkpoint-damaged", { checkpoint: this.#options.id, member: this.#member, reason });
  }
}

function freeBytesOf(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(messageOf(thrown));
}
