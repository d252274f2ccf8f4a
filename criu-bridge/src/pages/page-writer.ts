import { write } from "node:fs";
import { fail } from "../errors.ts";

/** Writes that may be under way before the connection is held back. */
const pendingLimitBytes = 24 * 1024 * 1024;

export interface PageWrite {
  file: number;
  data: Buffer;
  position: number;
  /** Nothing reads the data any more. */
  done: () => void;
}

/** Writes pages to files while more of them arrive, and says when there is enough under way. */
export class PageWriter {
  #pendingBytes = 0;
  #failure: Error | undefined;
  #waiters: (() => void)[] = [];

  write({ file, data, position, done }: PageWrite): void {
    const bytes = data.length;
    this.#pendingBytes += bytes;
    write(file, data, 0, bytes, position, (error, written) => {
      this.#pendingBytes -= bytes;
      if (error !== null) this.failed(error);
      else if (written !== bytes)
        this.failed(
          fail("stream-invalid", { reason: `the images folder is full, ${written} of ${bytes} bytes were written` }),
        );
      done();
      for (const wake of this.#waiters.splice(0)) wake();
    });
  }

  /** The first failure is thrown from then on. */
  failed(error: Error): void {
    this.#failure ??= error;
  }

  requireSound(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Holds back whoever brings more, where enough is under way. */
  room(): Promise<void> | undefined {
    return this.#pendingBytes > pendingLimitBytes
      ? this.until(() => this.#pendingBytes <= pendingLimitBytes / 2)
      : undefined;
  }

  /** Resolves once nothing is under way any more. */
  settled(): Promise<void> {
    return this.until(() => this.#pendingBytes === 0);
  }

  /** `condition` is looked at after each write. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiters.push(resolve));
    this.requireSound();
  }
}
