#!/usr/bin/env node
import { install } from "./install.ts";
import { InstallError } from "./install-error.ts";
import { readMachine } from "./machine.ts";
import { parseOptions, usage } from "./options.ts";
import type { InstallOptions } from "./options.ts";
import { Report } from "./report.ts";

process.exitCode = main(process.argv.slice(2));

function main(args: readonly string[]): number {
  try {
    const options = parseOptions(args);
    if (options.help) {
      process.stdout.write(usage);
      return 0;
    }
    return runInstaller(options);
  } catch (error) {
    if (!(error instanceof InstallError)) throw error;
    process.stderr.write(`${error.message}\n  > ${error.hint}\n`);
    return error.code === "BAD_OPTION" ? 2 : 1;
  }
}

function runInstaller(options: InstallOptions): number {
  const report = new Report((line) => {
    if (!options.json) process.stdout.write(`${line}\n`);
  });
  try {
    install(readMachine(), options, report);
  } catch (error) {
    if (!(error instanceof InstallError)) throw error;
    report.add({ name: error.code, state: "failed", detail: error.message, hint: error.hint });
  }
  if (options.json) process.stdout.write(`${JSON.stringify({ ok: report.ok, steps: report.steps }, null, 2)}\n`);
  else process.stdout.write(conclusion(report, options));
  return report.ok ? 0 : 1;
}

function conclusion(report: Report, { checkOnly }: InstallOptions): string {
  if (report.ok) return "This machine can run and move virtual servers\n";
  const named = report.steps.filter(({ state }) => state === "failed" || state === "missing").map(({ name }) => name);
  const what = checkOnly || !report.hasChanges ? "Nothing was changed. " : "";
  return `${what}In the way: ${named.join(", ")}\n`;
}
