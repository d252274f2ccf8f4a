import type { ApiObject, Kind } from "@vfleet/shared";
import { fail } from "./errors.ts";

export type Predicate = (object: ApiObject) => boolean;

const labelKey = "[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?";
const setTerm = new RegExp(`^(${labelKey})\\s+(in|notin)\\s*\\(([^()]*)\\)$`);
const equalityTerm = new RegExp(`^(${labelKey})\\s*(==|=|!=)\\s*([-A-Za-z0-9_.]*)$`);
const existsTerm = new RegExp(`^(!?)\\s*(${labelKey})$`);

/** Kubernetes' grammar: `a=b,c!=d,e in (f,g),h notin (i),j,!k`. Throws `selector-invalid`. */
export function parseLabelSelector(selector: string): Predicate {
  const terms = splitOutsideParentheses(selector).map((term) => labelTerm(term, selector));
  return (object) => {
    const labels = object.metadata.labels ?? {};
    return terms.every((term) => term(labels));
  };
}

type LabelTerm = (labels: Readonly<Record<string, string>>) => boolean;

function labelTerm(term: string, selector: string): LabelTerm {
  const set = setTerm.exec(term);
  if (set !== null) {
    const key = set[1] ?? "";
    const values = (set[3] ?? "").split(",").map((value) => value.trim());
    const inside = (labels: Readonly<Record<string, string>>) =>
      Object.hasOwn(labels, key) && values.includes(labels[key] ?? "");
    return set[2] === "in" ? inside : (labels) => !inside(labels);
  }
  const equality = equalityTerm.exec(term);
  if (equality !== null) {
    const key = equality[1] ?? "";
    const value = equality[3] ?? "";
    const equal = (labels: Readonly<Record<string, string>>) => Object.hasOwn(labels, key) && labels[key] === value;
    return equality[2] === "!=" ? (labels) => !equal(labels) : equal;
  }
  const exists = existsTerm.exec(term);
  if (exists !== null) {
    const key = exists[2] ?? "";
    return exists[1] === "!" ? (labels) => !Object.hasOwn(labels, key) : (labels) => Object.hasOwn(labels, key);
  }
  throw fail("selector-invalid", {
    selector,
    reason: `"${term}" is not a term such as a=b, a!=b, a in (b,c), a or !a`,
  });
}

/** `a.b=c,d!=e` over the kind's selectable fields. Throws `selector-invalid` for a field that cannot be selected on. */
export function parseFieldSelector(selector: string, kind: Kind): Predicate {
  const selectable = ["metadata.name", "metadata.namespace", ...(kind.selectableFields ?? [])];
  const terms = selector
    .split(",")
    .filter((term) => term.trim() !== "")
    .map((term) => {
      const match = /^([A-Za-z0-9_.]+)(==|=|!=)(.*)$/.exec(term.trim());
      if (match === null)
        throw fail("selector-invalid", { selector, reason: `"${term}" is not a term such as a=b or a!=b` });
      const path = match[1] ?? "";
      if (!selectable.includes(path)) {
        throw fail("selector-invalid", {
          selector,
          reason: `field label not supported: ${path}; possible: ${selectable.join(", ")}`,
        });
      }
      const value = match[3] ?? "";
      const members = path.split(".");
      const wanted = match[2] !== "!=";
      return (object: ApiObject) => (fieldText(object, members) === value) === wanted;
    });
  return (object) => terms.every((term) => term(object));
}

/** Both selectors in one; none for no selection. */
export function parseSelectors(
  kind: Kind,
  selectors: { labelSelector?: string | undefined; fieldSelector?: string | undefined },
): Predicate | undefined {
  const predicates: Predicate[] = [];
  if (selectors.labelSelector !== undefined && selectors.labelSelector !== "")
    predicates.push(parseLabelSelector(selectors.labelSelector));
  if (selectors.fieldSelector !== undefined && selectors.fieldSelector !== "")
    predicates.push(parseFieldSelector(selectors.fieldSelector, kind));
  if (predicates.length === 0) return undefined;
  return (object) => predicates.every((predicate) => predicate(object));
}

function fieldText(object: ApiObject, members: readonly string[]): string {
  let value: unknown = object;
  for (const member of members) {
    value =
      typeof value === "object" && value !== null && Object.hasOwn(value, member)
        ? (value as Record<string, unknown>)[member]
        : undefined;
  }
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function splitOutsideParentheses(text: string): string[] {
  const terms: string[] = [];
  let depth = 0;
  let term = "";
  for (const character of text) {
    if (character === "(") depth += 1;
    if (character === ")") depth -= 1;
    if (character === "," && depth === 0) {
      terms.push(term);
      term = "";
    } else {
      term += character;
    }
  }
  return [...terms, term].map((entry) => entry.trim()).filter((entry) => entry !== "");
}
