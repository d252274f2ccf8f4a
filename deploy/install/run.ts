import { spawnSync } from "node:child_process";
import { InstallError } from "./install-error.ts";

export interface Finished {
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** Runs a program to its end. A program that is not there counts as failed. */
export function run(command: readonly string[], options: RunOptions = {}): Finished {
  const [program = "", ...args] = command;
  const result = spawnSync(program, args, {
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
    timeout: options.timeoutMs ?? 600_000,
    env: { ...process.env, LC_ALL: "C", ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  return {
    ok: result.status === 0,
    stdout: result.stdout ?? "",
    stderr: result.error === undefined ? (result.stderr ?? "") : `${result.stderr ?? ""}${result.error.message}`,
  };
}

/** Like `run`, but a failure ends the installation with the program's last words. */
export function mustRun(command: readonly string[], options: RunOptions = {}): string {
  const finished = run(command, options);
  if (finished.ok) return finished.stdout;
  const lastWords = `${finished.stdout}\n${finished.stderr}`.trim().split("\n").slice(-8).join("\n  ");
  throw new InstallError("COMMAND_FAILED", command.join(" "), lastWords);
}
