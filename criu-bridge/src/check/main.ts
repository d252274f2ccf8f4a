#!/usr/bin/env node
/**
 * Checks whether virtual servers can be moved to and from this host, by moving one:
 *
 *   node criu-bridge/src/check/main.ts [--json]
 *
 * Exit code 0 if they can, 1 if not. Uses nothing but Node.js, so that it runs before anything is installed.
 */
import { checkHost } from "./check-host.ts";
import { stepLine } from "./check-step.ts";

const args = process.argv.slice(2);
if (args.some((argument) => argument !== "--json")) {
  process.stderr.write("Usage: main.ts [--json]\n");
  process.exit(2);
}
const check = checkHost();
const lines = args.includes("--json") ? [JSON.stringify(check, null, 2)] : check.steps.map(stepLine);
process.stdout.write(`${lines.join("\n")}\n`);
process.exitCode = check.ok ? 0 : 1;
