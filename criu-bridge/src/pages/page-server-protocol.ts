import { compareVersions } from "@vfleet/shared/basics";
import { fail } from "../errors.ts";

export const pageBytes = 4096;
/** Most of one question for pages: of who fills memory to the agent, and of the agent to the source, which answers with one frame. */
export const askPages = 128;

export const commands = { open: 4, parent: 5, add: 6, get: 7, close: 0x1023, forceClose: 0x1024 } as const;
const commandBits = 16;

/** Of requests for pages, beyond what CRIU knows: somebody waits for these. */
export const requestFlags = { urgent: 1 } as const;

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

/** One shape of request and answer, by the version of CRIU: the protocol itself tells none (criu/page-xfer.c). */
export interface PageProtocol {
  requestBytes: number;
  readRequest(from: Buffer): PageServerRequest;
  /** Asks for pages of a process. `flags`: of `requestFlags`, 0. */
  getRequest(process: number, address: number, pages: number, flags?: number): Buffer;
  /** Head of the answer to `get`: so many pages follow. */
  pagesReply(process: number, address: number, pages: number): Buffer;
  readReply(from: Buffer): { process: number; address: number; pages: number };
}

/** `{u32 command, u64 pages, u64 address, u64 image}`, the first padded to 8 bytes. */
export const wideProtocol = protocolOf({
  requestBytes: 32,
  readPages: (from) => readUnsigned64(from, 8),
  writePages: (into, pages) => writeUnsigned64(into, pages, 8),
});
/** `{u32 command, u32 pages, u64 address, u64 image}`: before 4.2. */
const narrowProtocol = protocolOf({
  requestBytes: 24,
  readPages: (from) => from.readUInt32LE(4),
  writePages: (into, pages) => into.writeUInt32LE(pages, 4),
});

export function pageProtocol(criuVersion: string): PageProtocol {
  return compareVersions(criuVersion, "4.2") < 0 ? narrowProtocol : wideProtocol;
}

function protocolOf(shape: {
  requestBytes: number;
  readPages: (from: Buffer) => number;
  writePages: (into: Buffer, pages: number) => void;
}): PageProtocol {
  const { requestBytes, readPages, writePages } = shape;
  const [addressAt, imageAt] = [requestBytes - 16, requestBytes - 8];
  return {
    requestBytes,
    // Addresses are multiples of the page size below 2^57 and so exact as numbers.
    readRequest(from) {
      const word = from.readUInt32LE(0);
      const command = word & ((1 << commandBits) - 1);
      const request = {
        command,
        flags: word >>> commandBits,
        pages: readPages(from),
        address: readUnsigned64(from, addressAt),
      };
      return { ...request, image: readImage(from.subarray(imageAt), command) };
    },
    getRequest: (process, address, pages, flags = 0) =>
      headOf((flags << commandBits) | commands.get, { process, address, pages }),
    pagesReply: (process, address, pages) =>
      headOf((entryFlags.present << commandBits) | commands.add, { process, address, pages }),
    readReply: (from) => ({
      pages: readPages(from),
      address: readUnsigned64(from, addressAt),
      process: readUnsigned64(from, imageAt),
    }),
  };

  function headOf(
    word: number,
    { process, address, pages }: { process: number; address: number; pages: number },
  ): Buffer {
    const head = Buffer.alloc(requestBytes);
    head.writeUInt32LE(word, 0);
    writePages(head, pages);
    writeUnsigned64(head, address, addressAt);
    writeUnsigned64(head, process, imageAt);
    return head;
  }
}

function readImage(from: Buffer, command: number): ImageKey {
  // Here alone it is the bare id of a process.
  if (command === commands.get) return { type: imageTypes.process, id: readUnsigned64(from, 0) };
  if (command === commands.close || command === commands.forceClose) return { type: imageTypes.process, id: 0 };
  const word = from.readBigUInt64LE(0);
  const type = Number(word & 0xffn);
  if (type !== imageTypes.process && type !== imageTypes.sharedMemory)
    throw fail("page-server-protocol", { reason: `image type ${type} is unknown` });
  return { type, id: Number(word >> 8n) };
}

export function readUnsigned64(from: Buffer, at: number): number {
  return from.readUInt32LE(at) + from.readUInt32LE(at + 4) * 2 ** 32;
}

export function writeUnsigned64(into: Buffer, value: number, at: number): void {
  into.writeUInt32LE(value % 2 ** 32, at);
  into.writeUInt32LE(Math.floor(value / 2 ** 32), at + 4);
}
