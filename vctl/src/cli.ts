import type { Readable, Writable } from "node:stream";
import type { Environment } from "@vfleet/shared";

/** Where people read; a terminal has the members of `tty.WriteStream`. */
export type Output = Writable & { isTTY?: boolean; columns?: number; rows?: number };
/** Where people type; a terminal has the members of `tty.ReadStream`. */
export type Input = Readable & { isTTY?: boolean; isRaw?: boolean; setRawMode?: (raw: boolean) => unknown };

/** What one invocation has: its streams, the world outside, and how it ends. */
export interface Cli {
  readonly input: Input;
  readonly output: Output;
  readonly error: Output;
  readonly environment: Environment;
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Aborted when the operator interrupts: following stops, the fleet's work does not. */
  readonly signal: AbortSignal;
  exitCode: number;
}

export const interruptedExitCode = 130;

export function print(output: Output, line: string): void {
  output.write(`${line}\n`);
}
