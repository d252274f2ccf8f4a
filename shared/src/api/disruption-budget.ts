import { z } from "zod";
import { allVerbs, defineKind } from "./kind.ts";
import { labelSelectorSchema } from "./label-selector.ts";
import { conditionOf, conditionSchema, objectMetaSchema, subdomainSchema } from "./meta.ts";

const amountMax = 1_000_000;

/** So many servers, or such a share of those selected. */
const amountSchema = z.union([z.number(), z.string()]).superRefine((amount, context) => {
  const value = typeof amount === "number" ? amount : Number(/^(\d+)%$/.exec(amount)?.[1]);
  const most = typeof amount === "number" ? amountMax : 100;
  const refuse = (message: string) => context.addIssue({ code: "custom", input: amount, message });
  if (!Number.isInteger(value) || value < 0 || value > most)
    refuse(`must be a whole number from 1 to ${amountMax}, or a percentage from "1%" to "100%"`);
  else if (value === 0) refuse("must be more than 0: a budget of nothing could never be kept by any move");
});

const oneOfBoth = "exactly one of maxUnavailable and maxMoving is needed";

export const disruptionBudgetSchema = z.strictObject({
  apiVersion: z.literal("vfleet.dev/v1"),
  kind: z.literal("DisruptionBudget"),
  metadata: objectMetaSchema.extend({ name: subdomainSchema }),
  spec: z
    .strictObject({
      selector: labelSelectorSchema.meta({
        description: "Servers of this namespace that it is for; empty: all of them",
      }),
      maxUnavailable: amountSchema.optional().meta({
        description:
          'At most so many of them, or "25%" rounded up, may be down or in a move at once: a live move counts while it is under way, what is stopped or fails counts until it runs',
      }),
      maxMoving: amountSchema.optional().meta({
        description: 'At most so many of them, or "25%" rounded up, may be in a move at once, however many are down',
      }),
    })
    .superRefine((spec, context) => {
      if ((spec.maxUnavailable === undefined) !== (spec.maxMoving === undefined)) return;
      context.addIssue({ code: "custom", path: ["maxUnavailable"], input: spec.maxUnavailable, message: oneOfBoth });
    }),
  status: z
    .looseObject({
      servers: z.number().int().optional().meta({ description: "Selected ones that should run" }),
      limit: z.number().int().optional().meta({ description: "Of them, in servers" }),
      moving: z.number().int().optional(),
      down: z.number().int().optional(),
      allowed: z.number().int().optional().meta({ description: "How many more may be moved or stopped now" }),
      observedGeneration: z.number().int().optional(),
      conditions: z.array(conditionSchema).optional(),
    })
    .optional(),
});
export type DisruptionBudget = z.infer<typeof disruptionBudgetSchema>;

export const disruptionBudgetKind = defineKind<DisruptionBudget>({
  group: "vfleet.dev",
  version: "v1",
  kind: "DisruptionBudget",
  plural: "disruptionbudgets",
  singular: "disruptionbudget",
  shortNames: ["db"],
  categories: ["fleet"],
  namespaced: true,
  statusSubresource: true,
  verbs: allVerbs,
  schema: disruptionBudgetSchema,
  columns: [
    {
      name: "Max-Unavailable",
      type: "string",
      description: "Of those selected, down or in a move",
      value: (budget) => String(budget.spec.maxUnavailable ?? "<none>"),
    },
    {
      name: "Max-Moving",
      type: "string",
      description: "Of those selected, in a move",
      value: (budget) => String(budget.spec.maxMoving ?? "<none>"),
    },
    {
      name: "Servers",
      type: "integer",
      description: "Selected ones that should run",
      value: (budget) => budget.status?.servers,
    },
    {
      name: "Allowed",
      type: "integer",
      description: "How many more may be moved or stopped now",
      value: (budget) => budget.status?.allowed,
    },
    {
      name: "Age",
      type: "date",
      description: "Since creation",
      value: (budget) => budget.metadata.creationTimestamp,
    },
    {
      name: "Message",
      type: "string",
      description: "What uses it up, or why it protects nothing",
      priority: 1,
      value: (budget) => conditionOf(budget.status?.conditions, "Kept")?.message ?? "",
    },
  ],
});
