import type { Output } from "../cli.ts";
import { print } from "../cli.ts";
import { printable } from "./columns.ts";

const barWidth = 24;

/** Lines that stay and, on a terminal, one line below them that is rewritten in place. */
export class Progress {
  readonly #output: Output;
  #shown = "";

  constructor(output: Output) {
    this.#output = output;
  }

  /** Shows the state of now; nothing where lines can't be rewritten. */
  update(text: string): void {
    if (this.#output.isTTY !== true) return;
    const line = printable(text).slice(0, Math.max(20, (this.#output.columns ?? 80) - 1));
    if (line === this.#shown) return;
    this.#output.write(`\r\u001b[K${line}`);
    this.#shown = line;
  }

  /** Prints a line that stays. */
  line(text: string): void {
    this.clear();
    print(this.#output, printable(text));
  }

  /** Takes the rewritten line away. */
  clear(): void {
    if (this.#shown !== "") this.#output.write("\r\u001b[K");
    this.#shown = "";
  }
}

/** `[######      ]  50%` */
export function bar(done: number, total: number): string {
  const share = total <= 0 ? 0 : Math.min(1, Math.max(0, done / total));
  const filled = Math.round(share * barWidth);
  return `[${"#".repeat(filled)}${" ".repeat(barWidth - filled)}] ${String(Math.floor(share * 100)).padStart(3)}%`;
}

/** `0.42 s`, `380 ms` */
export function formatMilliseconds(durationMs: number): string {
  return durationMs < 1000
    ? `${Math.round(durationMs)} ms`
    : `${(durationMs / 1000).toFixed(durationMs < 10_000 ? 2 : 1)} s`;
}
