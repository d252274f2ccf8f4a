/**
 * - `ok`: was there already
 * - `changed`: the installer did it
 * - `missing`: `--check` found that the installer would have to do it
 * - `failed`: stands in the way
 * - `note`: worth knowing, changes nothing
 */
type StepState = "ok" | "changed" | "missing" | "failed" | "note";

export interface Step {
  readonly name: string;
  readonly state: StepState;
  readonly detail: string;
  readonly hint?: string;
}

/** Says what happens as it happens, and keeps it for `--json`. */
export class Report {
  readonly steps: Step[] = [];
  readonly #print: (line: string) => void;

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  add(step: Step): void {
    this.steps.push(step);
    for (const line of stepLines(step)) this.#print(line);
  }

  /** What is about to be done, for steps that take long. */
  doing(text: string): void {
    this.#print(`...      ${text}`);
  }

  get hasChanges(): boolean {
    return this.steps.some(({ state }) => state === "changed");
  }

  get ok(): boolean {
    return this.steps.every((step) => step.state !== "failed" && step.state !== "missing");
  }
}

export function stepLines(step: Step): readonly string[] {
  const line = `${step.state.padEnd(8)} ${step.name}: ${step.detail}`;
  const hintLines = step.hint?.split("\n") ?? [];
  return [line, ...hintLines.map((hint) => `         > ${hint.trim()}`)];
}
