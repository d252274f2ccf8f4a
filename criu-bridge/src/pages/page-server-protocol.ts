import { fail } from "../errors.ts";

/** CRIU 4.2's page-server request: `{u32 command, u64 pages, u64 address, u64 image}`, the first padded to 8 bytes (criu/page-xfer.c). */
export const requestBytes = 32;
export const pageBytes = 4096;

export const commands = { open: 4, parent: 5, add: 6, get: 7, close: 0x1023, forceClose: 0x1024 } as const;
const commandBits = 16;

/** Of a page-map entry (criu/include/pagemap.h). */
export const entryFlags = { parent: 1, lazy: 2, present: 4 } as const;

export const imageTypes = { process: 1, sharedMemory: 2 } as const;
type ImageType = (typeof imageTypes)[keyof typeof imageTypes];

/** Which page map a request is about: of a process by its id inside the server, or of a shared memory segment. */
export interface ImageKey {
  type: ImageType;
  id: number;
}

export interface PageServerRequest {
  command: number;
  flags: number;
  pages: number;
  address: number;
  image: ImageKey;
}

/** Addresses are multiples of the page size below 2^57 and so exact as numbers. */
export function readRequest(from: Buffer): PageServerRequest {
  const word = from.readUInt32LE(0);
  const command = word & ((1 << commandBits) - 1);
  const flags = word >>> commandBits;
  const pages = readUnsigned64(from, 8);
  const address = readUnsigned64(from, 16);
  // Here alone it is the bare id of a process.
  if (command === commands.get)
    return { command, flags, pages, address, image: { type: imageTypes.process, id: readUnsigned64(from, 24) } };
  const imageWord = from.readBigUInt64LE(24);
  const type = Number(imageWord & 0xffn);
  if (command === commands.close || command === commands.forceClose) {
    return { command, flags, pages, address, image: { type: imageTypes.process, id: 0 } };
  }
  if (type !== imageTypes.process && type !== imageTypes.sharedMemory) {
    throw fail("page-server-protocol", { reason: `image type ${type} is unknown` });
  }
  return { command, flags, pages, address, image: { type, id: Number(imageWord >> 8n) } };
}

/** Head of the answer to `get`: so many pages follow. */
export function pagesReply(process: number, address: number, pages: number): Buffer {
  const head = Buffer.alloc(requestBytes);
  head.writeUInt32LE((entryFlags.present << commandBits) | commands.add, 0);
  writeUnsigned64(head, pages, 8);
  writeUnsigned64(head, address, 16);
  writeUnsigned64(head, process, 24);
  return head;
}

export function readUnsigned64(from: Buffer, at: number): number {
  return from.readUInt32LE(at) + from.readUInt32LE(at + 4) * 2 ** 32;
}

export function writeUnsigned64(into: Buffer, value: number, at: number): void {
  into.writeUInt32LE(value % 2 ** 32, at);
  into.writeUInt32LE(Math.floor(value / 2 ** 32), at + 4);
}
