import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

export interface Finished {
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

const systemFolders = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/** vfleet's own programs come before the system's: the system's CRIU may not work on this kernel. */
export function searchPath(): string {
  const prefix = process.env["VFLEET_PREFIX"] ?? "/opt/vfleet";
  const folders = [`${prefix}/bin`, ...(process.env["PATH"] ?? "").split(":"), ...systemFolders];
  return [...new Set(folders.filter((folder) => folder !== ""))].join(":");
}

export function findProgram(name: string): string | undefined {
  return searchPath()
    .split(":")
    .map((folder) => `${folder}/${name}`)
    .find((path) => existsSync(path));
}

export interface RunProgramOptions {
  readonly timeoutMs?: number;
  /** For a program that leaves children behind: they would hold its output open. */
  readonly silent?: boolean;
}

/** Runs a program to its end. One that is missing or takes too long counts as failed. */
export function runProgram(command: readonly string[], options: RunProgramOptions = {}): Finished {
  const [program = "", ...args] = command;
  const result = spawnSync(program, args, {
    encoding: "utf8",
    timeout: options.timeoutMs ?? 10_000,
    killSignal: "SIGKILL",
    env: { ...process.env, PATH: searchPath(), LC_ALL: "C" },
    stdio: options.silent === true ? "ignore" : ["ignore", "pipe", "pipe"],
  });
  return {
    ok: result.status === 0,
    stdout: result.stdout ?? "",
    stderr: result.error === undefined ? (result.stderr ?? "") : result.error.message,
  };
}
