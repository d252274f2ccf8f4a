import { closeSync, constants, openSync } from "node:fs";
import { ReadStream } from "node:tty";
import { libcCall, requireKnownArchitecture } from "./libc.ts";

/** asm-generic/ioctls.h */
const unlock = 0x40045431;
const getNumber = 0x80045430;
const setWindowSize = 0x5414;

const ioctl = libcCall("int ioctl(int fd, ulong request, void *argument)");

/** A pseudo-terminal pair (pty(7)): a program gets the slave, we read and write the master. */
export class PseudoTerminal {
  readonly master: ReadStream;
  readonly #masterFd: number;
  #slaveFd: number | undefined;

  constructor() {
    requireKnownArchitecture();
    this.#masterFd = openSync("/dev/ptmx", constants.O_RDWR | constants.O_NOCTTY);
    ioctl("/dev/ptmx", this.#masterFd, unlock, Buffer.alloc(4));
    const number = Buffer.alloc(4);
    ioctl("/dev/ptmx", this.#masterFd, getNumber, number);
    this.#slaveFd = openSync(`/dev/pts/${number.readUInt32LE()}`, constants.O_RDWR | constants.O_NOCTTY);
    this.master = new ReadStream(this.#masterFd);
  }

  get slaveFd(): number {
    if (this.#slaveFd === undefined) throw new Error("The slave was handed over already");
    return this.#slaveFd;
  }

  /** To be called when the program has its copy: the master's end is seen only when nobody else has it. */
  closeSlave(): void {
    if (this.#slaveFd !== undefined) closeSync(this.#slaveFd);
    this.#slaveFd = undefined;
  }

  resize(columns: number, rows: number): void {
    const size = Buffer.alloc(8);
    size.writeUInt16LE(rows, 0);
    size.writeUInt16LE(columns, 2);
    ioctl("pty", this.#masterFd, setWindowSize, size);
  }
}
