import type { Step } from "./report.ts";
import { run } from "./run.ts";
import { installedPaths } from "./where.ts";

const checkProgram = new URL("../../criu-bridge/src/check/main.ts", import.meta.url).pathname;

interface CheckStep {
  readonly name: string;
  readonly ok: boolean;
  readonly level: string;
  readonly detail: string;
  readonly hint?: string;
}

/** Dumps and restores a real process tree with an open connection, in a process of its own. */
export function runMigrationCheck(prefix: string): readonly Step[] {
  const finished = run([process.execPath, checkProgram, "--json"], {
    timeoutMs: 60_000,
    env: { VFLEET_PREFIX: prefix },
  });
  const steps = parseSteps(finished.stdout);
  if (steps === undefined) {
    const lastWords = finished.stderr.trim().split("\n").slice(-5).join("\n");
    return [{ name: "migration check", state: "failed", detail: "did not run to its end", hint: lastWords }];
  }
  return steps.map(({ name, ok, level, detail, hint }) => {
    const state = ok ? "ok" : level === "info" ? "note" : "failed";
    return { name: `check: ${name}`, state, detail, ...(hint === undefined ? {} : { hint }) };
  });
}

/** What the result depends on: while it stays the same, a repeated check would find the same. */
export function checkIdentity(prefix: string, kernelRelease: string): string {
  const { criu } = installedPaths(prefix);
  const versions = [run([criu, "--version"]).stdout, run(["runc", "--version"]).stdout].map(
    (text) => text.trim().split("\n")[0] ?? "",
  );
  return [kernelRelease, ...versions].join("; ");
}

function parseSteps(text: string): readonly CheckStep[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const steps = typeof value === "object" && value !== null && "steps" in value ? value.steps : undefined;
    return Array.isArray(steps) && steps.every(isCheckStep) ? steps : undefined;
  } catch {
    return undefined;
  }
}

function isCheckStep(value: unknown): value is CheckStep {
  return (
    typeof value === "object" &&
    value !== null &&
    "name" in value &&
    typeof value.name === "string" &&
    "ok" in value &&
    typeof value.ok === "boolean" &&
    "level" in value &&
    typeof value.level === "string" &&
    "detail" in value &&
    typeof value.detail === "string"
  );
}
