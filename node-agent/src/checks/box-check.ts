/** One behaviour that is checked on real components, in a box: namespaces of its own, root inside, nothing left outside. */
export interface BoxCheck {
  name: string;
  run: () => Promise<void>;
}

export interface BoxCheckResult {
  name: string;
  /** What was wrong; none: it held. */
  failure?: string;
}

/** Runs the checks one after the other, in the box, and reports each as a line. The box ends when its script does. */
export async function runBoxChecks(checks: readonly BoxCheck[]): Promise<void> {
  for (const { name, run } of checks) {
    const result: BoxCheckResult = { name };
    try {
      await run();
    } catch (thrown) {
      result.failure = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
    }
    process.stdout.write(`${JSON.stringify(result)}\n`);
  }
}
