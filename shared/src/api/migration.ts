import { z } from "zod";
import { allVerbs, defineKind } from "./kind.ts";
import { conditionSchema, nameSchema, objectMetaSchema, subdomainSchema } from "./meta.ts";
import { migrationModeSchema } from "./virtual-server.ts";

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
export const endedMigrationPhases: readonly MigrationPhase[] = ["Succeeded", "Failed", "Cancelled"];

const milliseconds = z.number().min(0);
const bytes = z.number().min(0);

export const migrationSchema = z.strictObject({
  apiVersion: z.literal("vfleet.dev/v1"),
  kind: z.literal("Migration"),
  metadata: objectMetaSchema.extend({ name: subdomainSchema }),
  spec: z.strictObject({
    server: nameSchema.meta({ description: "Name of the VirtualServer in the same namespace" }),
    targetNode: subdomainSchema.optional().meta({ description: "None: the scheduler picks" }),
    mode: migrationModeSchema.default("Auto"),
    /** Set to ask for an end; honoured until the commit. */
    cancel: z.boolean().default(false),
    /** Why it was made: `Operator`, `Drain`, `Rebalance`. */
    reason: z.enum(["Operator", "Drain", "Rebalance"]).default("Operator"),
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
  immutable: ["spec.server", "spec.targetNode", "spec.mode", "spec.reason"],
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
      value: (migration) => migration.status?.mode ?? migration.spec.mode,
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
