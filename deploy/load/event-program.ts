import { spawn, type ChildProcessByStdio } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";

/** A program that prints JSON lines with an `event` each, and ends when its standard input does. */
export class EventProgram {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #seen: Record<string, unknown>[] = [];
  #waiting: (() => void)[] = [];
  #errors = "";
  #closed = false;

  constructor(program: string, args: readonly string[], env: NodeJS.ProcessEnv) {
    this.#child = spawn(program, args, { env, stdio: ["pipe", "pipe", "pipe"] });
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => (this.#errors += text));
    this.#child.stdin.on("error", () => undefined); // it may have ended already: the close says so
    createInterface({ input: this.#child.stdout }).on("line", (line) => {
      this.#seen.push(JSON.parse(line) as Record<string, unknown>);
      this.#wake();
    });
    this.#child.once("close", () => {
      this.#closed = true;
      this.#wake();
    });
    this.#child.once("error", () => {
      this.#closed = true;
      this.#wake();
    });
  }

  /** Resolves with the first line of that event. Rejects when the program ends without it. */
  async event(name: string): Promise<Record<string, unknown>> {
    for (;;) {
      const found = this.#seen.find((line) => line["event"] === name);
      if (found !== undefined) return found;
      if (this.#closed) throw new Error(`The program ended before "${name}": ${this.#errors.trim()}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Asks it to end, and resolves with its `result`. */
  async finish(): Promise<Record<string, unknown>> {
    this.#child.stdin.end();
    return this.event("result");
  }

  kill(): void {
    if (!this.#closed) this.#child.kill("SIGTERM");
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
