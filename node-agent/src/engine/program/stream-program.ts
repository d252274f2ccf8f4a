import { spawn } from "node:child_process";
import { PassThrough } from "node:stream";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { agentError } from "../../agent-error.ts";

/**
 * A program's output as a stream. It ends only when the program ended well, and is destroyed with `program-failed`
 * when it didn't: a cut stream can't be taken for a whole one. Destroying the stream ends the program, and closes it once that has ended:
 * what the program read can be removed then.
 */
export function readProgram(command: readonly string[], env?: NodeJS.ProcessEnv): Readable {
  const [program = "", ...parameters] = command;
  const child = spawn(program, parameters, { stdio: ["ignore", "pipe", "pipe"], env: env ?? process.env });
  const output = new PassThrough({
    highWaterMark: 1 << 20,
    destroy: (error, done) => {
      const isRunning = child.pid !== undefined && child.exitCode === null && child.signalCode === null;
      if (!isRunning) return done(error);
      child.once("exit", () => done(error));
      child.kill("SIGKILL");
    },
  });
  const said = lastWords(child.stderr);
  child.stdout.pipe(output, { end: false });
  child.once("error", (error) =>
    output.destroy(agentError("program-failed", { program, ending: error.message, output: "" })),
  );
  child.once("close", (code, signal) => {
    if (code === 0) output.end();
    else
      output.destroy(
        agentError("program-failed", { program: command.join(" "), ending: ending(code, signal), output: said() }),
      );
  });
  return output;
}

/** Feeds a stream to a program and waits for both to end well. A failing stream ends the program. */
export async function writeProgram(command: readonly string[], input: Readable): Promise<void> {
  const [program = "", ...parameters] = command;
  const child = spawn(program, parameters, { stdio: ["pipe", "ignore", "pipe"] });
  const said = lastWords(child.stderr);
  const ended = new Promise<void>((resolve, reject) => {
    child.once("error", (error) =>
      reject(agentError("program-failed", { program, ending: error.message, output: "" })),
    );
    child.once("close", (code, signal) => {
      if (code === 0) resolve();
      else
        reject(
          agentError("program-failed", { program: command.join(" "), ending: ending(code, signal), output: said() }),
        );
    });
  });
  const fed = pipeline(input, child.stdin).catch((thrown: unknown) => {
    child.kill("SIGKILL");
    throw thrown;
  });
  const [feeding, end] = await Promise.allSettled([fed, ended]);
  // A program that ends early breaks the pipe; what it said is the reason then.
  if (end.status === "rejected" && child.exitCode !== null) throw end.reason;
  // One that ended well had all it needed: `btrfs receive -e` goes at the end mark, before the stream itself ends.
  if (feeding.status === "rejected" && !(end.status === "fulfilled" && isPipeGone(feeding.reason)))
    throw feeding.reason;
  if (end.status === "rejected") throw end.reason;
}

function isPipeGone(thrown: unknown): boolean {
  const code = thrown instanceof Error && "code" in thrown ? thrown.code : undefined;
  return code === "ERR_STREAM_PREMATURE_CLOSE" || code === "EPIPE" || code === "ECONNRESET";
}

function ending(code: number | null, signal: NodeJS.Signals | null): string {
  return code === null ? `ended by ${signal ?? "an unknown signal"}` : `status ${code}`;
}

function lastWords(stream: NodeJS.ReadableStream): () => string {
  let text = "";
  stream.on("data", (chunk: Buffer) => {
    text = (text + chunk.toString("utf8")).slice(-600);
  });
  return () => text.trim().replaceAll("\n", "; ");
}
