import { closeSync } from "node:fs";
import { fail } from "../errors.ts";
import { pageBytes } from "../pages/page-server-protocol.ts";
import { addressOf, errorNumbers, lastError, libc } from "./libc.ts";

/** linux/userfaultfd.h */
const requests = { unregister: 0x8010aa01, wake: 0x8010aa02, copy: 0xc028aa03, zero: 0xc020aa04 } as const;
const kinds = { pageFault: 0x12, fork: 0x13, remap: 0x14, remove: 0x15, unmap: 0x16 } as const;
const messageBytes = 32;
const messagesAtOnce = 16;
/** Of the ioctls' results, in their last member. */
const resultAt = { copy: 32, zero: 24 } as const;

/** What the tasks do to the memory that is being filled. They wait until it has been read. */
export type MemoryEvent =
  | { kind: "fault"; address: number }
  | { kind: "fork"; fd: number }
  | { kind: "remap"; from: number; to: number; bytes: number }
  | { kind: "remove" | "unmap"; address: number; bytes: number };

/**
 * How far a copy came, and what kept it from going further: `again`: the tasks are changing the mapping, and wait for their event to be read;
 * `there`: the next page has its content; `unmapped`: what follows is not one mapping that waits for pages; `gone`: the tasks are dead.
 */
export interface Placed {
  pages: number;
  stop?: "again" | "there" | "unmapped" | "gone";
}

/** The memory of one process, as whoever fills it has it (userfaultfd(2)). */
export class UserFault {
  readonly fd: number;
  readonly #messages = Buffer.alloc(messagesAtOnce * messageBytes);
  readonly #copy = Buffer.alloc(40);
  readonly #zero = Buffer.alloc(32);
  readonly #range = Buffer.alloc(16);

  /** `fd`: without waiting. */
  constructor(fd: number) {
    this.fd = fd;
  }

  /** What has happened since the last look. */
  events(): MemoryEvent[] {
    const read = Number(libc.read(this.fd, this.#messages, this.#messages.length));
    const events: MemoryEvent[] = [];
    for (let at = 0; at < read; at += messageBytes)
      events.push(eventOf(this.#messages.subarray(at, at + messageBytes)));
    return events;
  }

  /** Puts pages where they belong and wakes who waits for them. */
  copy(address: number, data: Buffer): Placed {
    this.#copy.writeBigUInt64LE(BigInt(address), 0);
    this.#copy.writeBigUInt64LE(addressOf(data), 8);
    this.#copy.writeBigUInt64LE(BigInt(data.length), 16);
    this.#copy.fill(0, 24);
    return this.#place(requests.copy, this.#copy, resultAt.copy, data.length / pageBytes);
  }

  zero(address: number): Placed {
    this.#zero.writeBigUInt64LE(BigInt(address), 0);
    this.#zero.writeBigUInt64LE(BigInt(pageBytes), 8);
    this.#zero.fill(0, 16);
    return this.#place(requests.zero, this.#zero, resultAt.zero, 1);
  }

  wake(address: number): void {
    libc.ioctl(this.fd, requests.wake, this.#rangeOf(address, pageBytes));
  }

  /** Faults in this range are the kernel's again: what was there has been given up. */
  unregister(address: number, bytes: number): void {
    libc.ioctl(this.fd, requests.unregister, this.#rangeOf(address, bytes));
  }

  /** Faults are the kernel's again. */
  close(): void {
    closeSync(this.fd);
  }

  #place(request: number, argument: Buffer, resultOffset: number, wanted: number): Placed {
    if (Number(libc.ioctl(this.fd, request, argument)) === 0) return { pages: wanted };
    const error = lastError();
    const result = Number(argument.readBigInt64LE(resultOffset));
    if (result > 0) return { pages: result / pageBytes, stop: "again" };
    if (error === errorNumbers.again) return { pages: 0, stop: "again" };
    if (error === errorNumbers.exists) return { pages: 0, stop: "there" };
    if (error === errorNumbers.noEntry) return { pages: 0, stop: "unmapped" };
    if (error === errorNumbers.noProcess || error === errorNumbers.noSpace) return { pages: 0, stop: "gone" };
    throw fail("memory-not-filled", { errno: error });
  }

  #rangeOf(address: number, bytes: number): Buffer {
    this.#range.writeBigUInt64LE(BigInt(address), 0);
    this.#range.writeBigUInt64LE(BigInt(bytes), 8);
    return this.#range;
  }
}

function eventOf(message: Buffer): MemoryEvent {
  const word = (index: number) => Number(message.readBigUInt64LE(8 + index * 8));
  const kind = message.readUInt8(0);
  switch (kind) {
    case kinds.pageFault:
      return { kind: "fault", address: word(1) - (word(1) % pageBytes) };
    case kinds.fork:
      return { kind: "fork", fd: message.readUInt32LE(8) };
    case kinds.remap:
      return { kind: "remap", from: word(0), to: word(1), bytes: word(2) };
    case kinds.remove:
    case kinds.unmap:
      return { kind: kind === kinds.remove ? "remove" : "unmap", address: word(0), bytes: word(1) - word(0) };
    default:
      throw fail("memory-event-unknown", { kind });
  }
}
