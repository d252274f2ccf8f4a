import { spawn } from "node:child_process";
import { agentError } from "../../agent-error.ts";

export interface RunOptions {
  /** Written to the program's standard input. */
  input?: string;
  /** Killed after this; default one minute. */
  timeoutMs?: number;
  env?: NodeJS.ProcessEnv;
  cwd?: string;
}

export interface RunResult {
  status: number;
  stdout: string;
  stderr: string;
}

/** Output kept of a program; the rest is dropped, so that a chatty one can't fill memory. */
const outputLimitBytes = 4 << 20;
const quotedOutputCharacters = 600;

/** Runs a program to its end and returns how it ended. Rejects only when it could not be started or took too long. */
export function tryProgram(command: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const [program = "", ...parameters] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, parameters, {
      stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      env: options.env ?? process.env,
      timeout: options.timeoutMs ?? 60_000,
      killSignal: "SIGKILL",
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    const stdout = collect(child.stdout);
    const stderr = collect(child.stderr);
    child.once("error", (error) =>
      reject(agentError("program-failed", { program, ending: error.message, output: "" }, { cause: error })),
    );
    child.once("close", (code, signal) => {
      if (code === null) {
        reject(
          agentError("program-failed", {
            program: shown(command),
            ending: `ended by ${signal ?? "an unknown signal"}`,
            output: tail(stderr()),
          }),
        );
      } else resolve({ status: code, stdout: stdout(), stderr: stderr() });
    });
    // A program that ends before it has read everything says why by its status.
    child.stdin?.on("error", () => {});
    child.stdin?.end(options.input);
  });
}

/** The same, where anything but status 0 is an error. */
export async function runProgram(command: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const result = await tryProgram(command, options);
  if (result.status === 0) return result;
  throw agentError("program-failed", {
    program: shown(command),
    ending: `status ${result.status}`,
    output: tail(result.stderr),
  });
}

function collect(stream: NodeJS.ReadableStream | null): () => string {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream?.on("data", (chunk: Buffer) => {
    if (bytes < outputLimitBytes) chunks.push(chunk);
    bytes += chunk.length;
  });
  return () => Buffer.concat(chunks).toString("utf8");
}

function shown(command: readonly string[]): string {
  return command.slice(0, 6).join(" ");
}

function tail(text: string): string {
  return text.trim().slice(-quotedOutputCharacters).replaceAll("\n", "; ");
}
