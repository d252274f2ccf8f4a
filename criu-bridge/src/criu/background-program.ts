import { spawn, type StdioOptions } from "node:child_process";
import { Socket } from "node:net";
import type { Writable } from "node:stream";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { fail } from "../errors.ts";

interface ProgramExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A program that outlives the agent: in a session of its own, its output in files. */
export interface BackgroundProgram {
  pid: number;
  exited: Promise<ProgramExit>;
  /** Ends it with what it has started. */
  kill(): void;
  /** This side of the socket that was asked for. */
  socket: Socket | undefined;
  /** Its standard input, where that was asked for. */
  input: Writable | undefined;
}

export interface BackgroundOptions {
  program: string;
  arguments: string[];
  /** Gets both outputs. */
  logFile: string;
  searchPath: string;
  /** Beside this process's own. */
  environment?: Readonly<Record<string, string>>;
  /** Descriptor under which the program, and what it starts, finds a Unix socket to this process. */
  socketDescriptor?: number;
  /** It listens to this process; when this process is gone its input ends. */
  takesInput?: boolean;
  /** Empty while it runs, then its exit status: for a process that has not started it. */
  exitFile?: string;
}

/** Runs what follows the file's name, which gets its exit status. */
const exitScript = '"$@"; status=$?; echo $status >"$0"; exit $status';

export function startInBackground(options: BackgroundOptions): Promise<BackgroundProgram> {
  const log = openSync(options.logFile, "a", 0o600);
  const stdio: Exclude<StdioOptions, string> = [options.takesInput === true ? "pipe" : "ignore", log, log];
  if (options.socketDescriptor !== undefined) {
    while (stdio.length < options.socketDescriptor) stdio.push("ignore");
    stdio.push("pipe");
  }
  const command = [options.program, ...options.arguments];
  if (options.exitFile !== undefined) {
    writeFileSync(options.exitFile, "", { mode: 0o600 });
    command.unshift("/bin/sh", "-c", exitScript, options.exitFile);
  }
  const [program = "", ...programArguments] = command;
  const child = spawn(program, programArguments, {
    stdio,
    detached: true,
    env: { ...process.env, ...options.environment, PATH: options.searchPath },
  });
  closeSync(log);
  const exited = new Promise<ProgramExit>((resolve) => child.once("exit", (code, signal) => resolve({ code, signal })));
  child.unref();
  // One that has ended takes no more input: its exit says so.
  child.stdin?.on("error", () => {});
  const pipe = options.socketDescriptor === undefined ? undefined : child.stdio[options.socketDescriptor];
  const socket = pipe instanceof Socket ? pipe : undefined;
  return new Promise((resolve, reject) => {
    child.once("error", (error) =>
      reject(fail("program-unusable", { program: options.program, reason: error.message }, { cause: error })),
    );
    child.once("spawn", () => {
      if (child.pid === undefined)
        reject(fail("program-unusable", { program: options.program, reason: "it has no process id" }));
      else
        resolve({ pid: child.pid, exited, kill: () => killGroup(child.pid), socket, input: child.stdin ?? undefined });
    });
  });
}

/** All programs of a group, named by its first one; none may be left. */
export function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // Gone already.
  }
}

/** Why a program ended, from what it has written: the message of runc's last line, or the last line. */
export function lastComplaint(logFile: string): string {
  const line = readFileSync(logFile, "utf8").trim().split("\n").at(-1) ?? "";
  const message = /\bmsg="((?:[^"\\]|\\.)*)"/.exec(line)?.[1];
  return message === undefined ? line : message.replaceAll('\\"', '"');
}
