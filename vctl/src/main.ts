#!/usr/bin/env node
import { enableCompileCache } from "node:module";
import { join } from "node:path";
import process from "node:process";
import { interruptedExitCode } from "./cli.ts";

/** Compiled code is kept between calls: it halves the start. In the user's own folder, since what is there is run. */
const cacheFolder =
  process.env["XDG_CACHE_HOME"] ??
  (process.env["HOME"] === undefined ? undefined : join(process.env["HOME"], ".cache"));
if (cacheFolder !== undefined) enableCompileCache(join(cacheFolder, "vctl"));

const interruption = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    // The second time the operator means it.
    if (interruption.signal.aborted) process.exit(interruptedExitCode);
    interruption.abort(new Error("interrupted"));
  });
}
// A reader such as `head` that has seen enough is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));

const { systemEnvironment } = await import("@vfleet/shared");
const { runVctl } = await import("./run-vctl.ts");
const exitCode = await runVctl(process.argv.slice(2), {
  input: process.stdin,
  output: process.stdout,
  error: process.stderr,
  environment: systemEnvironment,
  variables: process.env,
  signal: interruption.signal,
  exitCode: 0,
});
// Kept-alive connections and a paused terminal would hold the process; what was printed to a pipe must still get out.
process.stdout.write("", () => process.stderr.write("", () => process.exit(exitCode)));
