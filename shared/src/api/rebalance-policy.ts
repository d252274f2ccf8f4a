import { z } from "zod";
import { allVerbs, defineKind } from "./kind.ts";
import { objectMetaSchema } from "./meta.ts";

export const rebalanceModes = ["Off", "Suggest", "On"] as const;
export const rebalanceResources = ["cpu", "memory", "io"] as const;
export type RebalanceResource = (typeof rebalanceResources)[number];
/** There is one for the whole fleet. */
export const rebalancePolicyName = "default";

const percent = z.number().int().min(1).max(100);
const seconds = (least: number, most: number) => z.number().int().min(least).max(most);

const thresholdsSchema = z
  .strictObject({
    cpuPressurePercent: percent.default(20).meta({
      description: "Share of time in which some task waited for a CPU; counts while half of the CPUs are used",
    }),
    memoryPressurePercent: percent
      .default(10)
      .meta({ description: "Share of time in which some task waited for memory; counts while half of it is used" }),
    ioPressurePercent: percent.default(40).meta({ description: "Share of time in which some task waited for a disk" }),
    cpuUsePercent: percent
      .default(90)
      .meta({ description: "Of what is allocatable; decides only where the kernel doesn't count pressure" }),
    memoryUsePercent: percent.default(90).meta({ description: "Of what is allocatable; more is an overload anyhow" }),
  })
  .meta({ description: "From where on a node is overloaded" });

const specSchema = z
  .strictObject({
    mode: z
      .enum(rebalanceModes)
      .default("Suggest")
      .meta({ description: "Off: nothing is looked at. Suggest: moves are named, not made. On: they are made" }),
    intervalSeconds: seconds(5, 3600).default(60).meta({ description: "Between two rounds" }),
    holdRounds: z
      .number()
      .int()
      .min(1)
      .max(60)
      .default(3)
      .meta({ description: "Rounds in a row that a node must be overloaded before anything moves" }),
    thresholds: thresholdsSchema.prefault({}),
    marginPercent: percent
      .default(10)
      .meta({ description: "By so much the worse of both nodes must be better off after a move" }),
    targetLoadPercent: percent.default(80).meta({ description: "That a target may come to by a move" }),
    cooldownSeconds: seconds(60, 21_600).default(900).meta({
      description:
        "A server that has moved rests for so long, or as long as its move took; twice as long with each further move in 24 hours, 6 hours at most",
    }),
    warmUpSeconds: seconds(0, 86_400)
      .default(300)
      .meta({ description: "A server that has been ready for less is left alone" }),
    batch: z
      .number()
      .int()
      .min(1)
      .max(20)
      .default(1)
      .meta({ description: "Moves under way at once in the fleet; never more than one from or to a node" }),
    request: z
      .strictObject({ id: z.string().min(1).max(64), mode: z.enum(["Suggest", "On"]) })
      .optional()
      .meta({ description: "A new id asks for one round at once, without waiting for holdRounds (`vctl rebalance`)" }),
  })
  .superRefine(({ targetLoadPercent, thresholds }, context) => {
    for (const member of ["cpuUsePercent", "memoryUsePercent"] as const) {
      if (targetLoadPercent < thresholds[member]) continue;
      const message = `must be less than thresholds.${member} (${thresholds[member]}), or a move would overload its target`;
      context.addIssue({ code: "custom", path: ["targetLoadPercent"], input: targetLoadPercent, message });
    }
  });

const readingsSchema = z.object({
  cpu: z.number().optional(),
  memory: z.number().optional(),
  io: z.number().optional(),
});

const moveSchema = z.object({
  server: z.string(),
  targetNode: z.string(),
  /** None: only suggested. */
  migration: z.string().optional(),
  predictedPauseMs: z.number(),
  bytes: z.number(),
  /** By which the worse of both nodes is better off. */
  gainPercent: z.number(),
  sourceLoadPercent: z.number(),
  targetLoadPercent: z.number(),
});

const overloadedNodeSchema = z.object({
  name: z.string(),
  resource: z.enum(rebalanceResources),
  /** Rounds in a row. */
  rounds: z.number().int(),
  /** Of the node's last sample, by its own clock: only a new one counts. */
  sampledAtMs: z.number(),
  /** Wanted, in per cent of what is allocatable; of io the pressure. */
  load: readingsSchema,
  /** What the kernel doesn't count is absent. */
  pressure: readingsSchema,
  /** What is overloaded, and what is done about it or why nothing is. */
  message: z.string(),
  move: moveSchema.optional(),
  /** The best first, then why others don't move. */
  candidates: z.array(z.object({ server: z.string(), verdict: z.string() })),
  candidatesLeftOut: z.number().int().default(0),
});
export type OverloadedNode = z.infer<typeof overloadedNodeSchema>;

export const rebalancePhases = ["Off", "Watching", "Paused"] as const;

export const rebalancePolicySchema = z.strictObject({
  apiVersion: z.literal("vfleet.dev/v1"),
  kind: z.literal("RebalancePolicy"),
  metadata: objectMetaSchema.extend({ name: z.literal(rebalancePolicyName) }),
  spec: specSchema.prefault({}),
  status: z
    .looseObject({
      phase: z.enum(rebalancePhases).optional(),
      message: z.string().optional(),
      lastRoundAt: z.string().optional(),
      /** Id of the last request that was answered by a round. */
      answeredRequest: z.string().optional(),
      nodesWatched: z.number().int().optional(),
      /** Above a threshold in the last round, the worst first. */
      nodes: z.array(overloadedNodeSchema).optional(),
    })
    .optional(),
});
export type RebalancePolicy = z.infer<typeof rebalancePolicySchema>;
export type RebalanceSpec = RebalancePolicy["spec"];

export const rebalancePolicyKind = defineKind<RebalancePolicy>({
  group: "vfleet.dev",
  version: "v1",
  kind: "RebalancePolicy",
  plural: "rebalancepolicies",
  singular: "rebalancepolicy",
  shortNames: ["rp"],
  categories: [],
  namespaced: false,
  statusSubresource: true,
  verbs: allVerbs,
  schema: rebalancePolicySchema,
  columns: [
    { name: "Mode", type: "string", description: "Off, Suggest or On", value: (policy) => policy.spec.mode },
    {
      name: "Phase",
      type: "string",
      description: "Whether rounds are made",
      value: (policy) => policy.status?.phase ?? "<unknown>",
    },
    {
      name: "Overloaded",
      type: "integer",
      description: "Nodes above a threshold in the last round",
      value: (policy) => policy.status?.nodes?.length ?? 0,
    },
    {
      name: "Last-Round",
      type: "date",
      description: "When nodes were last looked at",
      value: (policy) => policy.status?.lastRoundAt,
    },
    {
      name: "Message",
      type: "string",
      description: "What the last round came to",
      priority: 1,
      value: (policy) => policy.status?.message ?? "",
    },
  ],
});
