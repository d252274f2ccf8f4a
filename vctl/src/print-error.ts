import { messageOf, VfleetError } from "@vfleet/shared";
import { StatusError } from "./api/status-error.ts";
import { type Cli, print } from "./cli.ts";

const wordedByKubectl = new Set(["server-refused", "server-unreachable"]);

/** One sentence, then the hint where there is one. Errors of the server and of the way to it read as kubectl's do. */
export function printError(cli: Pick<Cli, "error">, thrown: unknown): void {
  const isKubectls =
    thrown instanceof StatusError || (thrown instanceof VfleetError && wordedByKubectl.has(thrown.code));
  print(cli.error, isKubectls ? thrown.message : `error: ${messageOf(thrown)}`);
  if (thrown instanceof VfleetError && thrown.hint !== undefined) print(cli.error, thrown.hint);
}
