import { spawn } from "node:child_process";
import { root } from "./paths.ts";

export interface Finished {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end; never throws for its exit code. */
export function run(
  program: string,
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; input?: string } = {},
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: root, env: options.env ?? process.env, stdio: "pipe" });
    const text = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => (text.stdout += chunk));
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => (text.stderr += chunk));
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, ...text }));
    child.stdin.on("error", () => undefined); // a program may end without reading its input
    child.stdin.end(options.input ?? "");
  });
}

/** Waits for a condition: asks until it gives something, and fails with `what` after `deadlineMs`. */
export async function until<T>(
  what: string,
  deadlineMs: number,
  ask: () => T | undefined | Promise<T | undefined>,
): Promise<T> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const found = await ask();
    if (found !== undefined) return found;
    if (performance.now() > end) throw new Error(`waited ${deadlineMs} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
