import { isIPv4 } from "node:net";
import { z } from "zod";
import { isolationSchema } from "./isolation.ts";
import { allVerbs, defineKind } from "./kind.ts";
import { migrationPolicySchema } from "./migration-policy.ts";
import { conditionSchema, nameSchema, objectMetaSchema, subdomainSchema } from "./meta.ts";
import { placementSchema } from "./placement.ts";
import { bytesSchema, cpuSchema } from "./quantities.ts";

/** Defaults are set also where the user says nothing: a server without limits could take its host down. */
const limitsSchema = z.strictObject({
  cpu: cpuSchema.optional(),
  memory: bytesSchema.default("1Gi"),
  disk: bytesSchema.default("8Gi"),
  pids: bytesSchema.default("512"),
});
const requestsSchema = z.strictObject({
  cpu: cpuSchema.default("100m"),
  memory: bytesSchema.default("128Mi"),
  disk: bytesSchema.default("128Mi").meta({
    description:
      "Kept free for it on its node: files of its own beside its image's. The limit is a quota and keeps nothing free",
  }),
});

const argument = z
  .string()
  .max(131_072)
  .refine((text) => !text.includes("\0"), "must not contain NUL");

const availabilitySchema = z.strictObject({
  onNodeLoss: z.enum(["Restore", "Restart", "Wait"]).default("Wait").meta({
    description:
      "When its node is lost. Wait: it stays the node's, with its files. Restore: from its newest checkpoint that another node has; what it did since is lost. Restart: elsewhere from its image; all it wrote is lost. With the last two its node ends it when it can't reach the controller for as long as its lease lasts",
  }),
});

export const virtualServerSpecSchema = z.strictObject({
  runStrategy: z.enum(["Running", "Stopped", "Suspended"]).default("Running").meta({
    description:
      "Suspended: kept as a checkpoint on its node and not running; Running again, it goes on where it was. Stopped throws that away",
  }),
  image: subdomainSchema.meta({ description: "Name of an Image" }),
  command: z
    .array(argument)
    .min(1)
    .max(256)
    .optional()
    .meta({ description: "Program and arguments; none: the image's own entry point" }),
  environment: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), argument).optional(),
  workingDirectory: z.string().startsWith("/").max(4096).optional(),
  user: z
    .string()
    .regex(/^\d{1,5}(:\d{1,5})?$/)
    .optional()
    .meta({ description: "uid or uid:gid inside the server; default 0:0" }),
  hostname: nameSchema.optional(),
  restartPolicy: z.enum(["Always", "OnFailure", "Never"]).default("Always"),
  isolation: isolationSchema
    .default("Default")
    .meta({ description: "Systemd: an init system may run in it, with mounts and cgroups of its own" }),
  resources: z
    .strictObject({
      requests: requestsSchema.prefault({}),
      limits: limitsSchema.prefault({}),
    })
    .prefault({}),
  network: z
    .strictObject({
      address: z
        .string()
        .refine(isIPv4, "must be an IPv4 address")
        .optional()
        .meta({ description: "Inside the fleet's range; none: allocated, kept for life" }),
    })
    .prefault({}),
  placement: placementSchema.prefault({}),
  priority: z.number().int().min(-1_000_000).max(1_000_000).default(0).meta({
    description: "Of those that wait for a place, the highest goes first; lower ones are moved to make room for it",
  }),
  migration: migrationPolicySchema.prefault({}),
  availability: availabilitySchema.prefault({}),
});

export const serverPhases = [
  "Pending",
  "Starting",
  "Running",
  "Migrating",
  "Stopping",
  "Stopped",
  "Suspended",
  "Failed",
  "Unknown",
] as const;
export type ServerPhase = (typeof serverPhases)[number];

/** Kept of a server's moves; the longest rest is reached long before. */
export const recentMovesMax = 12;

const recentMoveSchema = z.object({
  migration: z.string().meta({ description: "Its uid" }),
  endedAt: z.string(),
  tookMs: z.number().min(0),
});
export type RecentMove = z.infer<typeof recentMoveSchema>;

export const virtualServerStatusSchema = z.looseObject({
  phase: z.enum(serverPhases).optional(),
  /** Short CamelCase word for why the phase is what it is. */
  reason: z.string().optional(),
  message: z.string().optional(),
  nodeName: z.string().optional(),
  /** Ownership epoch under which it runs. */
  epoch: z.number().int().optional(),
  address: z.string().optional(),
  macAddress: z.string().optional(),
  /** First host id of the server's own block of 65,536. */
  idBlockStart: z.number().int().optional(),
  imageDigest: z.string().optional(),
  restarts: z.number().int().optional(),
  exitCode: z.number().int().optional(),
  startedAt: z.string().optional(),
  /** What it goes on from when it is to run again. */
  suspended: z.object({ checkpoint: z.string() }).optional(),
  /** Name of the Migration under way. */
  migration: z.string().optional(),
  observedGeneration: z.number().int().optional(),
  recentMoves: z.array(recentMoveSchema).optional().meta({
    description: "Of the last 24 hours, whatever became of their Migrations: rebalancing lets it rest after them",
  }),
  failover: z
    .looseObject({
      /** Epoch under which its node has said that it ends it before its lease does: nothing else is taken over. */
      armedEpoch: z.number().int().optional(),
      /** The last time that it was taken over: host that was lost, wall clock, what is not as it was. */
      from: z.string().optional(),
      at: z.string().optional(),
      epoch: z.number().int().optional(),
      checkpoint: z.string().optional(),
      lost: z.string().optional(),
      /** Under which what the checkpoint kept has run again: from then on it is started from its own files. */
      restoredEpoch: z.number().int().optional(),
    })
    .optional()
    .meta({ description: "Whether it would be taken over if its node were lost, and the last time that it was" }),
  conditions: z.array(conditionSchema).optional(),
});

export const virtualServerSchema = z.strictObject({
  apiVersion: z.literal("vfleet.dev/v1"),
  kind: z.literal("VirtualServer"),
  metadata: objectMetaSchema.extend({ name: nameSchema }),
  spec: virtualServerSpecSchema,
  status: virtualServerStatusSchema.optional(),
});
export type VirtualServer = z.infer<typeof virtualServerSchema>;
export type VirtualServerSpec = VirtualServer["spec"];
export type VirtualServerStatus = NonNullable<VirtualServer["status"]>;

export const virtualServerKind = defineKind<VirtualServer>({
  group: "vfleet.dev",
  version: "v1",
  kind: "VirtualServer",
  plural: "virtualservers",
  singular: "virtualserver",
  shortNames: ["vs"],
  categories: ["all", "fleet"],
  namespaced: true,
  statusSubresource: true,
  verbs: allVerbs,
  schema: virtualServerSchema,
  immutable: ["spec.image", "spec.network.address", "spec.isolation"],
  selectableFields: ["status.nodeName", "status.phase"],
  columns: [
    {
      name: "Status",
      type: "string",
      description: "Phase, or why it waits",
      value: (vs) =>
        vs.status?.phase === "Pending" && vs.status.reason !== undefined
          ? vs.status.reason
          : (vs.status?.phase ?? "Pending"),
    },
    { name: "Node", type: "string", description: "Host it runs on", value: (vs) => vs.status?.nodeName ?? "<none>" },
    {
      name: "Address",
      type: "string",
      description: "Kept for life, on whatever host",
      value: (vs) => vs.status?.address ?? "<none>",
    },
    { name: "Restarts", type: "integer", description: "Starts after an exit", value: (vs) => vs.status?.restarts ?? 0 },
    { name: "Age", type: "date", description: "Since creation", value: (vs) => vs.metadata.creationTimestamp },
    { name: "Image", type: "string", description: "Image it was made from", priority: 1, value: (vs) => vs.spec.image },
    {
      name: "Memory",
      type: "string",
      description: "Memory limit",
      priority: 1,
      value: (vs) => vs.spec.resources.limits.memory,
    },
    {
      name: "Epoch",
      type: "integer",
      description: "Ownership epoch: grows with each move",
      priority: 1,
      value: (vs) => vs.status?.epoch,
    },
    {
      name: "Message",
      type: "string",
      description: "What an operator should know",
      priority: 1,
      value: (vs) => vs.status?.message ?? "",
    },
  ],
});
