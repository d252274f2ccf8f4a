import { z } from "zod";

const key = z
  .string()
  .min(1)
  .max(317)
  .regex(/^[A-Za-z0-9]([-A-Za-z0-9_./]*[A-Za-z0-9])?$/, "must be a label's key");
const value = z
  .string()
  .max(63)
  .regex(/^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/, "must be a label's value");

/** A label's key, such as `zone` or `kubernetes.io/hostname`. */
export const labelKeySchema = key;
export const labelValueSchema = value;

const requirementSchema = z
  .strictObject({
    key,
    operator: z.enum(["In", "NotIn", "Exists", "DoesNotExist"]),
    values: z.array(value).min(1).max(64).optional(),
  })
  .superRefine(({ operator, values }, context) => {
    const needsValues = operator === "In" || operator === "NotIn";
    if (needsValues === (values !== undefined)) return;
    const message = needsValues ? `are needed by operator ${operator}` : `can't be used with operator ${operator}`;
    context.addIssue({ code: "custom", path: ["values"], input: values, message });
  });

/** Kubernetes' `metav1.LabelSelector`: everything must hold; empty, it selects all. */
export const labelSelectorSchema = z
  .strictObject({
    matchLabels: z.record(key, value).optional(),
    matchExpressions: z.array(requirementSchema).max(16).optional(),
  })
  .superRefine((selector, context) => {
    const impossible = contradictionIn(selector);
    if (impossible === undefined) return;
    const message = `no labels can satisfy all that is asked of "${impossible}": it would select nothing`;
    context.addIssue({ code: "custom", path: ["matchExpressions"], input: selector.matchExpressions, message });
  });

export interface LabelSelector {
  matchLabels?: Record<string, string> | undefined;
  matchExpressions?: z.infer<typeof requirementSchema>[] | undefined;
}

/** A key of which the selector asks what excludes itself, whatever a server's labels are; none: something may satisfy it. */
function contradictionIn({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string | undefined {
  const keys = new Set([...Object.keys(matchLabels), ...matchExpressions.map((one) => one.key)]);
  return [...keys].find((asked) => {
    const rules = matchExpressions.filter((one) => one.key === asked);
    const equal = matchLabels[asked];
    // Beside what is named only one other value matters: what is nowhere named is all alike.
    const named = [...(equal === undefined ? [] : [equal]), ...rules.flatMap(({ values = [] }) => values)];
    const tried = [...named.map((one) => ({ [asked]: one })), { [asked]: unnamedAmong(named) }, {}];
    const own = { ...(equal === undefined ? {} : { matchLabels: { [asked]: equal } }), matchExpressions: rules };
    return !tried.some((labels) => selects(own, labels));
  });
}

function unnamedAmong(values: readonly string[]): string {
  return `${values.toSorted((a, b) => b.length - a.length)[0] ?? ""}x`;
}

export function selects(selector: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  for (const name in selector.matchLabels) if (labels[name] !== selector.matchLabels[name]) return false;
  return (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
    const found = labels[key];
    switch (operator) {
      case "In":
        return found !== undefined && values.includes(found);
      case "NotIn":
        return found === undefined || !values.includes(found);
      case "Exists":
        return found !== undefined;
      case "DoesNotExist":
        break;
    }
    return found === undefined;
  });
}
