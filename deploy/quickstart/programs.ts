import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));

/** Runs a program with this terminal; rejects where it fails. */
export async function runShown(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  // What this prints is for people: a caller's standard output may be read by a program.
  const child = spawn(program, args, { cwd: root, env, stdio: ["ignore", process.stderr, "inherit"] });
  await ended(child, `${program} ${args.join(" ")}`);
}

/** Runs a program and gives what it printed on standard output. */
export async function runRead(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const child = spawn(program, args, { cwd: root, env, stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  await ended(child, `${program} ${args.join(" ")}`);
  return text;
}

function ended(child: ChildProcess, what: string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("error", (error) => reject(new Error(`Cannot run ${what}: ${error.message}`)));
    child.once("close", (code) =>
      code === 0 ? resolve() : reject(new Error(`${what} ended with ${code ?? "a signal"}`)),
    );
  });
}

/** A program that prints JSON lines with an `event` each, and ends when its standard input does. */
export class EventProgram {
  readonly #child;
  readonly #seen: Record<string, unknown>[] = [];
  #waiting: (() => void)[] = [];
  #closed = false;

  constructor(program: string, args: readonly string[], env: NodeJS.ProcessEnv) {
    this.#child = spawn(program, args, { cwd: root, env, stdio: ["pipe", "pipe", "inherit"] });
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
      if (this.#closed) throw new Error(`The client ended before it was "${name}"`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Asks it to end; `event("result")` follows. */
  finish(): void {
    this.#child.stdin.end();
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
