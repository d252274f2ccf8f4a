/**
 * One line of the host check.
 *
 * A step that is not `ok` stands in the way of migrations when it is `required`, and is only worth knowing when it
 * is `info`.
 */
export interface CheckStep {
  readonly name: string;
  readonly level: "required" | "info";
  readonly ok: boolean;
  readonly detail: string;
  /** What would help, where something is not as it should be. */
  readonly hint?: string;
}

export interface HostCheck {
  /** Every required step is ok. */
  readonly ok: boolean;
  readonly steps: readonly CheckStep[];
}

export function hostCheck(steps: readonly CheckStep[]): HostCheck {
  return { ok: steps.every(({ ok, level }) => ok || level === "info"), steps };
}

export function stepLine({ name, level, ok, detail, hint }: CheckStep): string {
  const mark = ok ? "ok" : level === "info" ? "note" : "FAILED";
  const hintLine = hint === undefined ? "" : `\n         > ${hint}`;
  return `${mark.padEnd(8)} ${name}: ${detail}${hintLine}`;
}
