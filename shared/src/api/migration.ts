import { z } from "zod";
import { allVerbs, defineKind } from "./kind.ts";
import { conditionSchema, nameSchema, objectMetaSchema, subdomainSchema } from "./meta.ts";
import { isPostCopyMode } from "./migration-mode.ts";
import { migrationWishes, postCopyRule } from "./migration-policy.ts";

/** In order; a Migration only goes forward, or to Failed or Cancelled before `Committed`. */
export const migrationPhases = [
  "Pending",
  "Preparing",
  "Syncing",
  "Freezing",
  "Committed",
  "Succeeded",
  "Failed",
  "Cancelled",
] as const;
export type MigrationPhase = (typeof migrationPhases)[number];
/** Reasons of a move that has failed after its commit: the server is its target's, and what ran of it is lost. */
export const lostMigrationReasons = ["PostCopyLost", "LostAfterCommit"] as const;
export const endedMigrationPhases: readonly MigrationPhase[] = ["Succeeded", "Failed", "Cancelled"];

const milliseconds = z.number().min(0);
const bytes = z.number().min(0);

export const migrationSchema = z.strictObject({
  apiVersion: z.literal("vfleet.dev/v1"),
  kind: z.literal("Migration"),
  metadata: objectMetaSchema.extend({ name: subdomainSchema }),
  spec: z
    .strictObject({
      server: nameSchema.meta({ description: "Name of the VirtualServer in the same namespace" }),
      targetNode: subdomainSchema.optional().meta({ description: "None: the scheduler picks" }),
      /** None, here and below: as the server's own `spec.migration` says. */
      mode: migrationWishes.mode.optional(),
      allowPostCopy: migrationWishes.allowPostCopy.optional(),
      maxDowntimeMs: migrationWishes.maxDowntimeMs.optional(),
      bandwidth: migrationWishes.bandwidth.optional(),
      rounds: migrationWishes.rounds.optional(),
      completionTimeoutSeconds: z
        .number()
        .int()
        .min(1)
        .max(604_800)
        .optional()
        .meta({ description: "From its start to the commit; none: by the server's memory" }),
      progressTimeoutSeconds: migrationWishes.progressTimeoutSeconds.optional(),
      /** Set to ask for an end; honoured until the commit. */
      cancel: z.boolean().default(false),
      /** Why it was made; `Preemption`: to make room for a server of higher priority. */
      reason: z.enum(["Operator", "Drain", "Rebalance", "Preemption"]).default("Operator"),
    })
    .superRefine(({ mode, allowPostCopy }, context) => {
      if (mode === undefined || !isPostCopyMode(mode) || allowPostCopy !== false) return;
      context.addIssue({ code: "custom", path: ["mode"], input: mode, message: postCopyRule(mode) });
    }),
  status: z
    .looseObject({
      phase: z.enum(migrationPhases).optional(),
      reason: z.string().optional(),
      message: z.string().optional(),
      mode: z.string().optional(),
      modeReason: z.string().optional(),
      sourceNode: z.string().optional(),
      targetNode: z.string().optional(),
      /** Ownership epoch at the source; the target runs under the next one. */
      epoch: z.number().int().optional(),
      /** Revision of the ownership record that commit and abort compete for. */
      ownershipRevision: z.number().int().optional(),
      startedAt: z.string().optional(),
      endedAt: z.string().optional(),
      /** The round of memory under way, from 0, and those that have ended. */
      round: z.number().int().min(0).optional(),
      rounds: z
        .array(z.object({ round: z.number().int(), pages: z.number().int(), bytes, durationMs: milliseconds }))
        .optional(),
      rateBytesPerSecond: bytes.optional(),
      /** At which the server writes memory, as seen between two rounds. */
      dirtyRateBytesPerSecond: bytes.optional(),
      remainingBytes: bytes.optional(),
      /** Limit in force; none: none. */
      bandwidthBytesPerSecond: bytes.optional(),
      predictedPauseMs: milliseconds
        .optional()
        .meta({ description: "Were it frozen now; before anything has moved: by what earlier moves took" }),
      bothHostsNeeded: z.boolean().optional().meta({
        description:
          "True from the commit until the last page has arrived, in post-copy: until then the loss of either host loses the server",
      }),
      pauseMs: milliseconds.optional().meta({
        description:
          "Tasks frozen at the source until tasks running at the target, by the hosts' own clocks' durations",
      }),
      totalMs: milliseconds.optional(),
      memoryBytes: bytes.optional(),
      volumeBytes: bytes.optional(),
      wireBytes: bytes.optional(),
      /** Bytes to move, known or estimated, for progress. */
      expectedBytes: bytes.optional(),
      movedBytes: bytes.optional(),
      /** Step name -> milliseconds since the start. */
      timeline: z
        .array(
          z.object({
            step: z.string(),
            side: z.enum(["controller", "source", "target"]),
            atMs: milliseconds,
            durationMs: milliseconds.optional(),
          }),
        )
        .optional(),
      conditions: z.array(conditionSchema).optional(),
    })
    .optional(),
});
export type Migration = z.infer<typeof migrationSchema>;
export type MigrationStatus = NonNullable<Migration["status"]>;

export function isMigrationEnded(migration: Migration): boolean {
  return migration.status?.phase !== undefined && endedMigrationPhases.includes(migration.status.phase);
}

export const migrationKind = defineKind<Migration>({
  group: "vfleet.dev",
  version: "v1",
  kind: "Migration",
  plural: "migrations",
  singular: "migration",
  shortNames: ["mig"],
  categories: ["fleet"],
  namespaced: true,
  statusSubresource: true,
  verbs: allVerbs,
  schema: migrationSchema,
  immutable: [
    "spec.server",
    "spec.targetNode",
    "spec.mode",
    "spec.allowPostCopy",
    "spec.maxDowntimeMs",
    "spec.bandwidth",
    "spec.rounds",
    "spec.completionTimeoutSeconds",
    "spec.progressTimeoutSeconds",
    "spec.reason",
  ],
  selectableFields: ["spec.server", "status.phase", "status.sourceNode"],
  columns: [
    {
      name: "Server",
      type: "string",
      description: "Virtual server that moves",
      value: (migration) => migration.spec.server,
    },
    {
      name: "Phase",
      type: "string",
      description: "How far it is",
      value: (migration) => migration.status?.phase ?? "Pending",
    },
    {
      name: "From",
      type: "string",
      description: "Source host",
      value: (migration) => migration.status?.sourceNode ?? "<none>",
    },
    {
      name: "To",
      type: "string",
      description: "Target host",
      value: (migration) => migration.status?.targetNode ?? migration.spec.targetNode ?? "<none>",
    },
    {
      name: "Pause-ms",
      type: "integer",
      description: "Frozen at the source until running at the target",
      value: (migration) => (migration.status?.pauseMs === undefined ? null : Math.round(migration.status.pauseMs)),
    },
    {
      name: "Age",
      type: "date",
      description: "Since it was asked for",
      value: (migration) => migration.metadata.creationTimestamp,
    },
    {
      name: "Mode",
      type: "string",
      description: "How memory is moved",
      priority: 1,
      value: (migration) => migration.status?.mode ?? migration.spec.mode ?? "<none>",
    },
    {
      name: "Memory",
      type: "integer",
      description: "Bytes of memory",
      priority: 1,
      value: (migration) => migration.status?.memoryBytes,
    },
    {
      name: "Wire",
      type: "integer",
      description: "Bytes sent between hosts",
      priority: 1,
      value: (migration) => migration.status?.wireBytes,
    },
    {
      name: "Message",
      type: "string",
      description: "Why it waits or failed",
      priority: 1,
      value: (migration) => migration.status?.message ?? "",
    },
  ],
});
