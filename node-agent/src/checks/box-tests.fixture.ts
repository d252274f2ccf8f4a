import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { tryProgram } from "../engine/program/run-program.ts";
import type { BoxCheck, BoxCheckResult } from "./box-check.ts";

const boxArguments = [
  "unshare",
  "--pid",
  "--fork",
  "--kill-child",
  "--mount-proc",
  "--net",
  "--mount",
  "--uts",
  "--ipc",
];
const timeoutMs = 120_000;

/** Shows the checks of a script that runs them in a box, as tests. */
export function testsInBox(title: string, script: URL, checks: readonly BoxCheck[]): void {
  // eslint-disable-next-line vitest/valid-title -- every suite has its own
  describe(title, () => {
    const results = new Map<string, BoxCheckResult>();
    let complaints = "";

    beforeAll(async () => {
      const { stdout, stderr } = await tryProgram([...boxArguments, process.execPath, fileURLToPath(script)], {
        timeoutMs,
      });
      complaints = stderr;
      for (const line of stdout.split("\n").filter((text) => text.startsWith('{"name"'))) {
        const result = JSON.parse(line) as BoxCheckResult; // written by runBoxChecks
        results.set(result.name, result);
      }
    }, timeoutMs);

    it.each(checks.map(({ name }) => name))("%s", (name) => {
      const result = results.get(name);
      expect(result === undefined ? `was not reached: ${complaints}` : result.failure).toBeUndefined();
    });
  });
}
