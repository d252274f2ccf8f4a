import { z } from "zod";
import { allVerbs, defineKind } from "./kind.ts";
import { conditionSchema, objectMetaSchema, subdomainSchema } from "./meta.ts";
import { migrationModeSchema } from "./migration-mode.ts";

export const drainPhases = [
  "Pending",
  "Planned",
  "Draining",
  "Returning",
  "Blocked",
  "Succeeded",
  "Failed",
  "Cancelled",
] as const;
export type DrainPhase = (typeof drainPhases)[number];

/** What becomes of a server that can't be moved while it runs. */
export const drainFallbacks = ["wait", "cold", "stop"] as const;
export type DrainFallback = (typeof drainFallbacks)[number];
const fallbackSchema = z.enum(drainFallbacks);

const weekSeconds = 604_800;
const milliseconds = z.number().min(0);

/** What a drain would do, in the order in which it would begin. */
const planSchema = z.object({
  servers: z.array(
    z.object({
      server: z.string(),
      action: z.enum(["Move", "Stop", "Start", "Wait"]),
      targetNode: z.string().optional(),
      mode: migrationModeSchema.optional(),
      modeReason: z.string().optional(),
      predictedPauseMs: milliseconds.optional(),
      maxDowntimeMs: milliseconds.optional().meta({ description: "Aimed at, where the pause can't be foretold" }),
      predictedDurationMs: milliseconds.optional(),
      startsAfterMs: milliseconds.optional().meta({ description: "From the drain's begin" }),
      reason: z.string().optional().meta({ description: "Why it can't be moved, or not while it runs" }),
      fallback: fallbackSchema.optional(),
    }),
  ),
  totalMs: milliseconds,
  isAtLeast: z.boolean().optional().meta({ description: "Some of the moves take a time that nobody knows" }),
});

export const drainSchema = z.strictObject({
  apiVersion: z.literal("vfleet.dev/v1"),
  kind: z.literal("Drain"),
  metadata: objectMetaSchema.extend({ name: subdomainSchema }),
  spec: z
    .strictObject({
      node: subdomainSchema,
      bringBack: z.boolean().default(false).meta({
        description:
          "The other way: the node is opened, and what its last drain moved away comes back to it, as far as it still runs where that put it; what that stopped is started",
      }),
      maxParallel: z.number().int().min(1).max(64).default(2).meta({ description: "Moves under way at once, at most" }),
      deadlineSeconds: z.number().int().min(1).max(weekSeconds).optional().meta({
        description:
          "From its start: then no further move is begun, those under way may finish, and it fails with what is left",
      }),
      fallback: fallbackSchema.default("wait").meta({
        description:
          "For servers that can't be moved while they run. wait: they hold the drain up; cold: stopped, moved and started there; stop: stopped, and left where they are with their files",
      }),
      dryRun: z.boolean().default(false).meta({
        description:
          "It changes nothing: status.plan says what it would do, and it ends at once, Planned. It is deleted ten minutes later",
      }),
      cancel: z.boolean().default(false).meta({
        description: "Set to end it: no further moves are made, those under way are cancelled, the node stays cordoned",
      }),
    })
    .superRefine(({ bringBack, fallback }, context) => {
      if (!bringBack || fallback !== "stop") return;
      const message = "stop can't be used with bringBack: nothing comes back by it";
      context.addIssue({ code: "custom", path: ["fallback"], input: fallback, message });
    }),
  status: z
    .looseObject({
      phase: z.enum(drainPhases).optional(),
      reason: z.string().optional(),
      message: z.string().optional(),
      startedAt: z.string().optional(),
      endedAt: z.string().optional(),
      /** Servers found on the node when it began. */
      total: z.number().int().optional(),
      moved: z.number().int().optional(),
      deadlineAt: z.string().optional(),
      /** What is left, and what each waits for. */
      waiting: z
        .array(
          z.object({
            server: z.string(),
            migration: z.string().optional(),
            reason: z.string(),
            fallback: fallbackSchema
              .optional()
              .meta({ description: "What is done about it, where it can't be moved while it runs" }),
          }),
        )
        .optional(),
      bringsBack: z.array(z.string()).optional().meta({ description: "Uids of the drains that are taken back" }),
      started: z
        .array(z.string())
        .optional()
        .meta({ description: "Servers that a drain had stopped and it has started" }),
      stopped: z.array(z.string()).optional().meta({ description: "Servers that it has stopped" }),
      plan: planSchema.optional(),
      conditions: z.array(conditionSchema).optional(),
    })
    .optional(),
});
export type Drain = z.infer<typeof drainSchema>;

export const drainKind = defineKind<Drain>({
  group: "vfleet.dev",
  version: "v1",
  kind: "Drain",
  plural: "drains",
  singular: "drain",
  shortNames: [],
  categories: ["fleet"],
  namespaced: false,
  statusSubresource: true,
  verbs: allVerbs,
  schema: drainSchema,
  immutable: ["spec.node", "spec.bringBack", "spec.fallback", "spec.dryRun"],
  selectableFields: ["spec.node", "status.phase"],
  columns: [
    { name: "Node", type: "string", description: "Host that is emptied", value: (drain) => drain.spec.node },
    {
      name: "Way",
      type: "string",
      description: "Off the host, or back to it",
      priority: 1,
      value: (drain) => (drain.spec.bringBack ? "back" : "away"),
    },
    { name: "Phase", type: "string", description: "How far it is", value: (drain) => drain.status?.phase ?? "Pending" },
    {
      name: "Moved",
      type: "string",
      description: "Servers moved of those found",
      value: (drain) => `${drain.status?.moved ?? 0}/${drain.status?.total ?? 0}`,
    },
    {
      name: "Age",
      type: "date",
      description: "Since it was asked for",
      value: (drain) => drain.metadata.creationTimestamp,
    },
    {
      name: "Message",
      type: "string",
      description: "What it waits for",
      priority: 1,
      value: (drain) => drain.status?.message ?? "",
    },
  ],
});
