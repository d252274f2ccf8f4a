import { PassThrough } from "node:stream";
import { systemEnvironment } from "@vfleet/shared";
import type { Cli } from "./cli.ts";
import { runVctl } from "./run-vctl.ts";

/** Runs vctl with streams that are kept, for tests. */
export async function runForTest(
  words: readonly string[],
  variables: Cli["variables"] = {},
): Promise<{ exitCode: number; output: string; error: string }> {
  const [output, error] = [new PassThrough(), new PassThrough()];
  const signal = new AbortController().signal;
  const exitCode = await runVctl(words, {
    input: new PassThrough(),
    output,
    error,
    environment: systemEnvironment,
    variables: { VFLEET_PATIENCE_SECONDS: "0", ...variables },
    signal,
    exitCode: 0,
  });
  const text = (stream: PassThrough) => String(stream.read() ?? "");
  return { exitCode, output: text(output), error: text(error) };
}
