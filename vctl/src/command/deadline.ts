import type { Cli } from "../cli.ts";

/** Aborted when the operator interrupts or, where `timeoutMs` is above 0, when so much time has passed. */
export function deadlineSignal(cli: Cli, timeoutMs: number): AbortSignal {
  if (timeoutMs <= 0) return cli.signal;
  const deadline = new AbortController();
  cli.environment.sleep(timeoutMs, cli.signal).then(
    () => deadline.abort(new Error("timed out")),
    () => undefined, // interrupted first; the other signal says so
  );
  return AbortSignal.any([cli.signal, deadline.signal]);
}
