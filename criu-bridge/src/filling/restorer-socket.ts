import { closeSync, rmSync } from "node:fs";
import { fail } from "../errors.ts";
import { addressOf, errorNumbers, lastError, libc } from "./libc.ts";

/** sys/socket.h */
const unixDomain = 1;
const streamSocket = 1;
const flags = { nonBlocking: 0o4000, closeOnExec: 0o2000000 } as const;
const receiveFlags = { dontWait: 0x40, closeOnExec: 0x40000000 } as const;
const rightsMessage = { level: 1, type: 1, bytes: 20 } as const;
/** criu/uffd.c: instead of the next process. */
const restoreFinished = 0x52535446;
const wordBytes = 4;

export type RestorerWord =
  | { kind: "process"; process: number; fd: number }
  /** No more processes come; those that came run. */
  | { kind: "finished" };

/**
 * The socket over which CRIU hands over the memory of what it restores: of each process its id inside the server and a userfaultfd, or
 * the negative id of one that has no memory any more (criu/uffd.c).
 */
export class RestorerSocket {
  readonly #path: string;
  #listener: number | undefined;
  #restorer: number | undefined;
  readonly #word = Buffer.alloc(wordBytes);
  #wordBytes = 0;
  /** Whose descriptor comes next. */
  #process: number | undefined;

  constructor(path: string) {
    this.#path = path;
    rmSync(path, { force: true });
    const fd = required("socket", libc.socket(unixDomain, streamSocket | flags.nonBlocking | flags.closeOnExec, 0));
    const address = Buffer.alloc(2 + Buffer.byteLength(path) + 1);
    address.writeUInt16LE(unixDomain, 0);
    address.write(path, 2);
    required("bind", libc.bind(fd, address, address.length));
    required("listen", libc.listen(fd, 1));
    this.#listener = fd;
  }

  /** To be looked at when it can be read. */
  get fd(): number | undefined {
    return this.#restorer ?? this.#listener;
  }

  /** What has come since the last look; undefined at its end when CRIU is gone. */
  *words(): Generator<RestorerWord | undefined> {
    if (this.#restorer === undefined && !this.#accept()) return;
    for (;;) {
      const word = this.#process === undefined ? this.#readWord() : this.#readDescriptor(this.#process);
      if (word === "later") return;
      if (word === "gone") {
        this.close();
        yield undefined;
        return;
      }
      if (word !== undefined) yield word;
    }
  }

  close(): void {
    for (const fd of [this.#listener, this.#restorer]) if (fd !== undefined) closeSync(fd);
    this.#listener = undefined;
    this.#restorer = undefined;
    rmSync(this.#path, { force: true });
  }

  #accept(): boolean {
    const fd = libc.accept(this.#listener ?? -1, null, null, flags.closeOnExec);
    if (fd < 0) return false;
    this.#restorer = fd;
    if (this.#listener !== undefined) closeSync(this.#listener);
    this.#listener = undefined;
    return true;
  }

  #readWord(): RestorerWord | "later" | "gone" | undefined {
    const { bytes } = this.#receive(this.#word.subarray(this.#wordBytes));
    if (bytes <= 0) return bytes < 0 ? "later" : "gone";
    this.#wordBytes += bytes;
    if (this.#wordBytes < wordBytes) return undefined;
    this.#wordBytes = 0;
    const word = this.#word.readInt32LE();
    if (word === restoreFinished) return { kind: "finished" };
    if (word > 0) this.#process = word;
    return undefined;
  }

  #readDescriptor(process: number): RestorerWord | "later" | "gone" {
    const { bytes, fd } = this.#receive(Buffer.alloc(1));
    if (bytes <= 0) return bytes < 0 ? "later" : "gone";
    if (fd === undefined) throw fail("restorer-protocol", { reason: `process ${process} came without its memory` });
    this.#process = undefined;
    return { kind: "process", process, fd };
  }

  /** -1 bytes: nothing is there yet. */
  #receive(into: Buffer): { bytes: number; fd: number | undefined } {
    const vector = Buffer.alloc(16);
    vector.writeBigUInt64LE(addressOf(into), 0);
    vector.writeBigUInt64LE(BigInt(into.length), 8);
    const control = Buffer.alloc(24);
    const header = Buffer.alloc(56);
    header.writeBigUInt64LE(addressOf(vector), 16);
    header.writeBigUInt64LE(1n, 24);
    header.writeBigUInt64LE(addressOf(control), 32);
    header.writeBigUInt64LE(BigInt(control.length), 40);
    const bytes = Number(
      libc.receiveMessage(this.#restorer ?? -1, header, receiveFlags.dontWait | receiveFlags.closeOnExec),
    );
    if (bytes < 0) {
      const errno = lastError();
      if (errno !== errorNumbers.again) throw fail("restorer-protocol", { reason: `receiving failed with ${errno}` });
    }
    const hasRights =
      bytes > 0 &&
      Number(control.readBigUInt64LE(0)) === rightsMessage.bytes &&
      control.readInt32LE(8) === rightsMessage.level &&
      control.readInt32LE(12) === rightsMessage.type;
    return { bytes, fd: hasRights ? control.readInt32LE(16) : undefined };
  }
}

function required(call: string, result: number): number {
  if (result < 0) throw fail("restorer-protocol", { reason: `${call} failed with ${lastError()}` });
  return result;
}
