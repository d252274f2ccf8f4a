/** Pages of a process from `image` on, where they were when it was dumped. Not the receiver's for longer than the call. */
export interface ArrivedPages {
  process: number;
  image: number;
  data: Buffer;
}

export interface PageQuestion {
  process: number;
  image: number;
  pages: number;
  /** A task waits for one of them. */
  urgent: boolean;
}

/** Where the pages of what is being filled come from. */
export interface PageSource {
  /** `arrived` is called for every `ask`, in any order, with its first page and as many more of it as are there. */
  open(arrived: (pages: ArrivedPages) => void, failed: (thrown: unknown) => void): void;
  ask(question: PageQuestion): void;
}
