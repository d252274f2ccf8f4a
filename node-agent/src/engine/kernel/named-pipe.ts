import { closeSync, constants, openSync, rmSync } from "node:fs";
import { Socket } from "node:net";
import { libcCall } from "./libc.ts";

const mkfifo = libcCall("int mkfifo(const char *path, uint mode)");

/**
 * A pipe to a program that must not fail when its reader dies: it holds both ends itself (fifo(7)), so it can always write. The reader
 * sees the end when the program is gone.
 */
export class NamedPipe {
  readonly reader: Socket;
  #programFd: number | undefined;

  /** Makes it anew. Its name isn't needed any more afterwards. */
  constructor(path: string) {
    rmSync(path, { force: true });
    mkfifo(path, path, 0o600);
    const readerFd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    this.#programFd = openSync(path, constants.O_RDWR);
    rmSync(path);
    this.reader = new Socket({ fd: readerFd, readable: true, writable: false });
  }

  get programFd(): number {
    if (this.#programFd === undefined) throw new Error("The program's end was handed over already");
    return this.#programFd;
  }

  /** To be called when the program has its copy. */
  closeProgramEnd(): void {
    if (this.#programFd !== undefined) closeSync(this.#programFd);
    this.#programFd = undefined;
  }
}
