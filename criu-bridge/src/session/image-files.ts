import { closeSync, openSync, readSync, readdirSync, writeSync } from "node:fs";
import { join } from "node:path";
import { fail } from "../errors.ts";
import { decompress } from "../stream/compressor.ts";
import { channels, flagEnd } from "../stream/frame.ts";
import type { FrameConnection } from "../stream/frame-connection.ts";
import type { ReceivedFrame } from "../stream/frame-parser.ts";

const chunkBytes = 512 * 1024;
const nameLimitBytes = 255;
const fileLimit = 100_000;
/** Statistics stay with the host that made them. */
const staysHere = /^stats-/;
const plainName = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;
/** Made from the pages channel where that carries all pages. */
const pageImage = /^(pages|pagemap)-/;

/** Sends what CRIU wrote beside the pages; returns how many files. */
export async function sendImageFiles(connection: FrameConnection, folder: string): Promise<number> {
  // A link to an earlier round stays here, too.
  const names = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && !staysHere.test(entry.name))
    .map(({ name }) => name);
  const sent: Promise<void>[] = [];
  for (const name of names) {
    const file = openSync(join(folder, name), "r");
    try {
      for (let last = false; !last;) {
        const buffer = Buffer.allocUnsafe(chunkBytes);
        const read = readSync(file, buffer);
        last = read < chunkBytes;
        const payload = Buffer.concat([nameHeader(name), buffer.subarray(0, read)]);
        const chunk = connection.send(channels.files, payload, last ? flagEnd : 0);
        // Of several that fail at once only the first one awaited is told.
        chunk.catch(() => {});
        sent.push(chunk);
        if (!last) await chunk;
      }
    } finally {
      closeSync(file);
    }
  }
  await Promise.all(sent);
  return names.length;
}

function nameHeader(name: string): Buffer {
  const bytes = Buffer.from(name);
  const header = Buffer.alloc(2);
  header.writeUInt16LE(bytes.length);
  return Buffer.concat([header, bytes]);
}

/** Writes the files of the files channel, one at a time. */
export class ImageFileReceiver {
  readonly #folder: string;
  readonly #pageImages: () => boolean;
  #limitBytes: number;
  #open: { name: string; file: number } | undefined;
  #files = 0;

  /** `limitBytes`: of all files together. `pageImages`: whether those of pages may be among them. */
  constructor(folder: string, options: { limitBytes: number; pageImages: () => boolean }) {
    this.#folder = folder;
    this.#limitBytes = options.limitBytes;
    this.#pageImages = () => options.pageImages();
  }

  get files(): number {
    return this.#files;
  }

  take(frame: ReceivedFrame): void {
    const payload = decompress(frame.payload, frame.header);
    const nameBytes = payload.length < 2 ? 0 : payload.readUInt16LE(0);
    if (nameBytes === 0 || nameBytes > nameLimitBytes || payload.length < 2 + nameBytes)
      throw fail("stream-invalid", { reason: "a file frame without a name" });
    const name = payload.toString("utf8", 2, 2 + nameBytes);
    const data = payload.subarray(2 + nameBytes);
    this.#limitBytes -= data.length;
    if (this.#limitBytes < 0) throw fail("stream-invalid", { reason: "the image files are larger than allowed" });
    const file = this.#obtain(name);
    if (writeSync(file, data) !== data.length) throw fail("stream-invalid", { reason: "the images folder is full" });
    if ((frame.header.flags & flagEnd) !== 0) {
      closeSync(file);
      this.#open = undefined;
      this.#files++;
    }
  }

  finish(announcedFiles: number): void {
    if (this.#open !== undefined || this.#files !== announcedFiles) {
      throw fail("stream-invalid", { reason: `${announcedFiles} image files were announced, found ${this.#files}` });
    }
  }

  abandon(): void {
    if (this.#open !== undefined) closeSync(this.#open.file);
    this.#open = undefined;
  }

  #obtain(name: string): number {
    if (this.#open?.name === name) return this.#open.file;
    if (this.#open !== undefined)
      throw fail("stream-invalid", { reason: `image file "${this.#open.name}" has no end` });
    const allowed = plainName.test(name) && (this.#pageImages() || !pageImage.test(name));
    if (!allowed || this.#files >= fileLimit)
      throw fail("stream-invalid", { reason: `image file name ${JSON.stringify(name)} is not allowed` });
    const file = openSync(join(this.#folder, name), "wx", 0o644);
    this.#open = { name, file };
    return file;
  }
}
