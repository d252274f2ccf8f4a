import { usageError } from "../fail.ts";

type Step =
  | { kind: "member"; name: string }
  | { kind: "index"; index: number }
  | { kind: "all" }
  | { kind: "filter"; path: Step[]; operator: string; value: unknown };

/**
 * The part of Kubernetes' JSONPath that reads values: members (`.a.b`, `['a.b']`, `.a\.b`), indexes, `[*]` and
 * comparing filters (`[?(@.type=="Ready")]`). Nothing in it is ever evaluated as code.
 * Source: https://kubernetes.io/docs/reference/kubectl/jsonpath/
 */
export function compileJsonPath(expression: string): (value: unknown) => unknown[] {
  const steps = parse(expression.replace(/^\{|\}$/g, "").replace(/^\$/, ""), expression);
  return (value) => evaluate(steps, value);
}

/** `{.metadata.name}{"\t"}{.status.phase}` with text between the braces. */
export function compileTemplate(template: string): (value: unknown) => string {
  const parts = [...template.matchAll(/\{("(?:[^"\\]|\\.)*"|[^}]*)\}|([^{]+)/g)].map((match) => {
    const inner = match[1];
    if (inner === undefined) return () => match[2] ?? "";
    if (inner.startsWith('"')) {
      const text: unknown = JSON.parse(inner);
      return () => String(text);
    }
    const select = compileJsonPath(inner);
    return (value: unknown) => select(value).map(asText).join(" ");
  });
  return (value) => parts.map((part) => part(value)).join("");
}

export function asText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function parse(path: string, whole: string): Step[] {
  const steps: Step[] = [];
  const patterns: [RegExp, (match: RegExpExecArray) => Step][] = [
    [/^\.?\[\s*\*\s*\]|^\.\*/, () => ({ kind: "all" })],
    [/^\.?\[(-?\d+)\]/, (match) => ({ kind: "index", index: Number(match[1]) })],
    [/^\.?\[\s*(?:'([^']*)'|"([^"]*)")\s*\]/, (match) => ({ kind: "member", name: match[1] ?? match[2] ?? "" })],
    [
      /^\.?\[\?\(\s*@((?:[^=!<>\]]|\\.)+?)\s*(==|!=)\s*("[^"]*"|'[^']*'|[\w.-]+)\s*\)\]/,
      (match) => ({
        kind: "filter",
        path: parse(match[1] ?? "", whole),
        operator: match[2] ?? "",
        value: literal(match[3] ?? ""),
      }),
    ],
    [/^\.((?:[^.[\]\\]|\\.)+)/, (match) => ({ kind: "member", name: (match[1] ?? "").replace(/\\(.)/g, "$1") })],
  ];
  let rest = path.startsWith(".") || path.startsWith("[") || path === "" ? path : `.${path}`;
  while (rest !== "" && rest !== ".") {
    const [found] = patterns.flatMap(([pattern, make]) => {
      const match = pattern.exec(rest);
      return match === null ? [] : [{ match, make }];
    });
    if (found === undefined) {
      throw usageError(
        `Cannot read the JSONPath "${whole}" at "${rest}"`,
        'Members (.a.b), indexes ([0]), [*] and [?(@.a=="b")] are understood',
      );
    }
    steps.push(found.make(found.match));
    rest = rest.slice(found.match[0].length);
  }
  return steps;
}

function literal(text: string): unknown {
  if (/^["']/.test(text)) return text.slice(1, -1);
  if (text === "true" || text === "false") return text === "true";
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

function evaluate(steps: readonly Step[], value: unknown): unknown[] {
  let values: unknown[] = [value];
  for (const step of steps) values = values.flatMap((one) => take(step, one)).filter((one) => one !== undefined);
  return values;
}

function take(step: Step, value: unknown): unknown[] {
  if (typeof value !== "object" || value === null) return [];
  if (step.kind === "member")
    return Object.hasOwn(value, step.name) ? [(value as Record<string, unknown>)[step.name]] : []; // its own member, just checked
  if (step.kind === "index") return Array.isArray(value) ? [value.at(step.index)] : [];
  const members: unknown[] = Object.values(value);
  if (step.kind === "all") return members;
  return members.filter((one) =>
    evaluate(step.path, one).some((found) => (found === step.value) === (step.operator === "==")),
  );
}
