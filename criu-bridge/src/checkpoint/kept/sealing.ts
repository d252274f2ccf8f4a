import { hash } from "node:crypto";

/** How a checkpoint's parts are written to the disk. */
export interface Sealing {
  /** Name of a chunk with these plain bytes, in hexadecimal: the same for the same bytes. */
  chunkId(plain: Buffer): string;
  /** What is written in place of `content`. `about`: what it is; it can only be opened as the same. */
  seal(content: Buffer, about: string): Buffer;
  /** Throws where it isn't what was sealed. */
  open(sealed: Buffer, about: string): Buffer;
}

export const plainSealing: Sealing = {
  chunkId: (plain) => hash("sha256", plain),
  seal: (content) => content,
  open: (sealed) => sealed,
};
