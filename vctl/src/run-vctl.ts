import { CommanderError } from "commander";
import { type Cli, interruptedExitCode } from "./cli.ts";
import { printError } from "./print-error.ts";
import { createProgram } from "./program.ts";

/** Runs one invocation with the words after `vctl`; returns its exit code. Every error ends here as text on `cli.error`. */
export async function runVctl(words: readonly string[], cli: Cli): Promise<number> {
  try {
    await createProgram(cli).parseAsync([...words], { from: "user" });
    return cli.exitCode;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode; // it has printed its message, or help
    if (cli.signal.aborted) return interruptedExitCode;
    printError(cli, thrown);
    return 1;
  }
}
