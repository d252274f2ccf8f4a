import { fail } from "../errors.ts";
import { askPages, pageBytes } from "../pages/page-server-protocol.ts";
import type { StoredPages } from "../pages/stored-pages.ts";
import type { ArrivedPages, PageQuestion, PageSource } from "./page-source.ts";

/** Pages from files. They arrive after the call that asks for them, as those from elsewhere do. */
export class FileSource implements PageSource {
  readonly #files: StoredPages;
  readonly #memory = Buffer.allocUnsafeSlow(askPages * pageBytes);
  #questions: PageQuestion[] = [];
  #arrived: (pages: ArrivedPages) => void = () => {};
  #failed: (thrown: unknown) => void = () => {};

  constructor(files: StoredPages) {
    this.#files = files;
  }

  open(arrived: (pages: ArrivedPages) => void, failed: (thrown: unknown) => void): void {
    this.#arrived = arrived;
    this.#failed = failed;
  }

  ask(question: PageQuestion): void {
    this.#questions.push(question);
    if (this.#questions.length === 1) setImmediate(() => this.#answer());
  }

  #answer(): void {
    const questions = this.#questions;
    this.#questions = [];
    try {
      for (const { process, image, pages } of questions) {
        const count = this.#files.countFrom(process, image, Math.min(pages, askPages));
        if (count === 0)
          throw fail("page-server-protocol", { reason: `process ${process} has no page at ${image.toString(16)}` });
        this.#arrived({
          process,
          image,
          data: this.#files.read(process, { address: image, pages: count }, this.#memory),
        });
      }
    } catch (thrown) {
      this.#failed(thrown);
    }
  }
}
