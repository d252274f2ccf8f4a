import { execFileSync } from "node:child_process";
import type { TestProject } from "vitest/node";
import { failedTests } from "./failed-tests.ts";
import { root } from "./paths.ts";
import { postMortem } from "./post-mortem.ts";

/** One lab for all tests of a project. When one has failed, says how the lab was; gone afterwards, whatever happened. */
export function labFor(project: TestProject, name: string, ...options: string[]): () => void {
  const lab = (...args: string[]) =>
    execFileSync(process.execPath, ["deploy/lab/main.ts", ...args, "--name", name], {
      cwd: root,
      stdio: ["ignore", "inherit", "inherit"],
    });
  lab("down");
  lab("up", ...options);
  return () => {
    const failed = failedTests(project.vitest.state.getTestModules());
    if (failed !== "") process.stdout.write(postMortem(name));
    if (process.env["VFLEET_KEEP_LAB"] === undefined) lab("down");
    // Once more, and last: what only keeps the end of a long output should have it.
    process.stdout.write(failed);
  };
}
