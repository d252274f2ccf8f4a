import { z } from "zod";
import { labelKeySchema, labelSelectorSchema, labelValueSchema } from "./label-selector.ts";

/** As Kubernetes': `Exists` takes any value, and without a key every taint. */
const tolerationSchema = z
  .strictObject({
    key: labelKeySchema.optional().meta({ description: "Of the taint; none, with Exists: every taint" }),
    operator: z.enum(["Equal", "Exists"]).default("Equal"),
    value: labelValueSchema.optional(),
    effect: z
      .enum(["NoSchedule", "PreferNoSchedule", "NoExecute"])
      .optional()
      .meta({ description: "None: every effect" }),
  })
  .superRefine(({ key, operator, value }, context) => {
    if (operator === "Exists" && value !== undefined)
      context.addIssue({ code: "custom", path: ["value"], input: value, message: "can't be used with Exists" });
    if (operator === "Equal" && key === undefined)
      context.addIssue({ code: "custom", path: ["key"], input: key, message: "is needed by operator Equal" });
  });
export type Toleration = z.infer<typeof tolerationSchema>;

const topologyKey = labelKeySchema.meta({
  description: "Label of nodes: those with the same value are one domain, such as zone or kubernetes.io/hostname",
});
const selected = labelSelectorSchema.meta({ description: "Servers of the same namespace; empty: all of them" });

const antiAffinitySchema = z.strictObject({ labelSelector: selected, topologyKey });

const spreadSchema = z.strictObject({
  topologyKey,
  maxSkew: z.number().int().min(1).max(1000).default(1).meta({
    description: "By how many a domain may have more of the selected servers than the one that has the fewest",
  }),
  labelSelector: selected,
  whenUnsatisfiable: z
    .enum(["DoNotSchedule", "ScheduleAnyway"])
    .default("DoNotSchedule")
    .meta({ description: "ScheduleAnyway: only preferred" }),
});

/** What every node of every fleet has. */
const labelsOfAll: Readonly<Record<string, string>> = { "kubernetes.io/os": "linux" };

function canMatch(nodeSelector: Record<string, string>, context: z.core.$RefinementCtx): void {
  for (const [key, value] of Object.entries(labelsOfAll)) {
    const wanted = nodeSelector[key];
    if (wanted === undefined || wanted === value) continue;
    const message = `must be "${value}", as on every node; with "${wanted}" it could never be placed`;
    context.addIssue({ code: "custom", path: [key], input: wanted, message });
  }
}

export const placementSchema = z
  .strictObject({
    nodeSelector: z.record(labelKeySchema, labelValueSchema).default({}).superRefine(canMatch),
    tolerations: z.array(tolerationSchema).max(64).optional().meta({ description: "Taints that don't keep it away" }),
    antiAffinity: z
      .array(antiAffinitySchema)
      .max(16)
      .optional()
      .meta({ description: "Never in the same domain as a server that is selected, nor such a one beside it" }),
    spread: z.array(spreadSchema).max(8).optional().meta({ description: "Evenly over domains" }),
  })
  .superRefine(({ spread = [] }, context) => {
    const keys = spread.map(({ topologyKey, labelSelector }) => JSON.stringify([topologyKey, labelSelector]));
    const repeated = keys.findIndex((key, index) => keys.indexOf(key) !== index);
    if (repeated === -1) return;
    const message = "says the same topologyKey and labelSelector as an earlier one";
    context.addIssue({ code: "custom", path: ["spread", repeated], input: spread[repeated], message });
  });
