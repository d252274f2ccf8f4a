import { formatColumns, printable } from "./columns.ts";

/** A nested description: text, lines under their label, or a table with its heading. */
export type Outline = readonly (readonly [label: string, value: OutlineValue])[];
export type OutlineValue = string | readonly string[] | { entries: Outline } | { rows: readonly (readonly string[])[] };

const indent = "  ";

/** Lines as `kubectl describe` prints them: labels of one level aligned, deeper levels indented. */
export function formatOutline(outline: Outline, depth = 0): string[] {
  const widest = Math.max(0, ...outline.map(([label]) => label.length));
  const pad = (label: string) => `${indent.repeat(depth)}${`${printable(label)}:`.padEnd(widest + 3)}`;
  return outline.flatMap(([label, value]) => {
    if (typeof value === "string") return [`${pad(label)}${printable(value)}`.trimEnd()];
    if (isLines(value)) {
      const [first = "<none>", ...rest] = value;
      return [
        `${pad(label)}${printable(first)}`,
        ...rest.map((line) => `${" ".repeat(pad("").length)}${printable(line)}`),
      ];
    }
    const heading = `${indent.repeat(depth)}${printable(label)}:`;
    if ("entries" in value)
      return value.entries.length === 0
        ? [`${pad(label)}<none>`]
        : [heading, ...formatOutline(value.entries, depth + 1)];
    if (value.rows.length <= 1) return [`${pad(label)}<none>`];
    return [heading, ...formatColumns(value.rows).map((line) => `${indent.repeat(depth + 1)}${line}`)];
  });
}

/** Any value of an object, member by member. */
export function outlineOf(value: object): Outline {
  return Object.entries(value)
    .filter(([, member]) => member !== undefined && member !== null)
    .map(([key, member]) => [titleOf(key), valueOf(member)] as const);
}

function valueOf(member: unknown): OutlineValue {
  if (Array.isArray(member)) {
    if (member.every((item) => typeof item !== "object" || item === null)) return member.map(String);
    return { entries: member.map((item, index) => [String(index), valueOf(item)] as const) };
  }
  if (typeof member === "object" && member !== null) return { entries: outlineOf(member) };
  return String(member);
}

/** `completionTimeoutPerGiBSeconds` -> `Completion Timeout Per GiB Seconds`; what is no identifier stays as it is. */
function titleOf(key: string): string {
  if (!/^[a-z][A-Za-z0-9]*$/.test(key)) return key;
  const spaced = key.replace(/([a-z0-9])([A-Z])/g, "$1 $2").replace("GiBSeconds", "GiB Seconds");
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}

function isLines(value: OutlineValue): value is readonly string[] {
  return Array.isArray(value);
}
