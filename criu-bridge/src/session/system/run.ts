import { execFile, execFileSync, spawn } from "node:child_process";
import { promisify } from "node:util";

const execute = promisify(execFile);

export async function run(program: string, ...args: string[]): Promise<string> {
  return (await execute(program, args)).stdout;
}

export function runSync(program: string, ...args: string[]): string {
  return execFileSync(program, args, { encoding: "utf8" });
}

/** For a program whose children go on: they would hold its output open. */
export async function runSilently(program: string, ...args: string[]): Promise<void> {
  const child = spawn(program, args, { stdio: "ignore", detached: true });
  const code = await new Promise((resolve, reject) => child.once("error", reject).once("exit", resolve));
  if (code !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${String(code)}`);
}
