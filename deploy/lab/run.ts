import { spawn } from "node:child_process";
import { LabError } from "./lab-error.ts";

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end with an input text; a program that isn't there has code null. */
export function run(command: readonly string[], input = ""): Promise<Finished> {
  const [program = "", ...args] = command;
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, LC_ALL: "C" } });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.on("error", (error) => resolve({ code: null, stdout, stderr: error.message }));
    child.on("close", (code) => resolve({ code, stdout, stderr }));
    // A program may end without reading its input; its exit code says all there is to say.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
  });
}

/** Like `run`, but a failure is thrown with the program's last words. */
export async function mustRun(command: readonly string[], input = ""): Promise<string> {
  const finished = await run(command, input);
  if (finished.code === 0) return finished.stdout;
  const lastWords = finished.stderr.trim().split("\n").slice(-4).join("; ");
  throw new LabError(
    "command-failed",
    `${command.join(" ")}: ${lastWords}`,
    "Run the command by hand, or take the lab down and up again",
  );
}
