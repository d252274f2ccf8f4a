import { usageError } from "../fail.ts";

const unitsMs: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Go's durations, as kubectl's flags take them: `30s`, `1m30s`, `500ms`; `0` is 0. */
export function parseDurationMs(text: string): number {
  if (text === "0") return 0;
  const negative = text.startsWith("-");
  const body = negative ? text.slice(1) : text;
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(body))
    throw usageError(`invalid duration "${text}": a number with ms, s, m or h is needed, such as 30s`);
  const parts = [...body.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  const total = parts.reduce((sum, part) => sum + Number(part[1]) * (unitsMs[part[2] ?? ""] ?? 0), 0);
  return negative ? -total : total;
}
