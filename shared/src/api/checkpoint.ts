import { z } from "zod";
import { allVerbs, defineKind } from "./kind.ts";
import { objectMetaSchema, subdomainSchema } from "./meta.ts";
import { virtualServerSpecSchema } from "./virtual-server.ts";

export const checkpointPhases = ["Pending", "Taking", "Importing", "Ready", "Failed", "Deleting"] as const;
/** While it is there, the checkpoint's node may hold it. */
export const checkpointFinalizer = "vfleet.dev/checkpoint";

export const copiesSchema = z.number().int().min(1).max(8).default(1).meta({
  description:
    "Hosts that are to have it; more than one: others of the same versions, in other zones where there are any",
});

export const checkpointSchema = z.strictObject({
  apiVersion: z.literal("vfleet.dev/v1"),
  kind: z.literal("Checkpoint"),
  metadata: objectMetaSchema.extend({ name: subdomainSchema }),
  spec: z.strictObject({
    server: subdomainSchema.meta({
      description: "Virtual server of the same namespace, which runs and goes on running",
    }),
    copies: copiesSchema,
    stops: z.boolean().default(false).meta({
      description:
        "The server ends with it: it is frozen until the checkpoint is on the disk, and does nothing after that",
    }),
  }),
  status: z
    .looseObject({
      phase: z.enum(checkpointPhases).optional(),
      reason: z.string().optional(),
      message: z.string().optional(),
      node: z.string().optional().meta({ description: "Host that has it; of several, one that was heard of last" }),
      copies: z
        .array(z.object({ node: z.string() }))
        .optional()
        .meta({ description: "Hosts that have it. One that is silent keeps what it had" }),
      copyAskedAt: z.string().optional().meta({ description: "When a host was last told to fetch another copy" }),
      serverSpec: virtualServerSpecSchema
        .optional()
        .meta({ description: "What the server was: one that is made of it is the same" }),
      serverUid: z
        .string()
        .optional()
        .meta({ description: "Of the server that it is of: one of the same name is another" }),
      takenAt: z.string().optional().meta({ description: "When the server was frozen: memory and files are as then" }),
      pauseMs: z.number().optional().meta({ description: "How long the server stood still" }),
      memoryBytes: z.number().optional(),
      storedBytes: z
        .number()
        .optional()
        .meta({ description: "What it took of the host's disk: compressed, and without what other checkpoints have" }),
      volumeBytes: z.number().optional().meta({ description: "What it shares with its image included" }),
      versions: z
        .object({
          criu: z.string(),
          runc: z.string(),
          kernel: z.string(),
          architecture: z.string(),
          cgroup: z.string(),
        })
        .optional()
        .meta({ description: "Of the host: where it can be restored depends on them" }),
    })
    .optional(),
});
export type Checkpoint = z.infer<typeof checkpointSchema>;
export type CheckpointStatus = NonNullable<Checkpoint["status"]>;

export const checkpointKind = defineKind<Checkpoint>({
  group: "vfleet.dev",
  version: "v1",
  kind: "Checkpoint",
  plural: "checkpoints",
  singular: "checkpoint",
  shortNames: ["cp"],
  categories: ["fleet"],
  namespaced: true,
  statusSubresource: true,
  verbs: allVerbs,
  schema: checkpointSchema,
  immutable: ["spec.server", "spec.stops"],
  selectableFields: ["spec.server", "status.phase", "status.node"],
  columns: [
    { name: "Server", type: "string", description: "Virtual server", value: ({ spec }) => spec.server },
    { name: "Phase", type: "string", description: "How far it is", value: ({ status }) => status?.phase ?? "Pending" },
    { name: "Node", type: "string", description: "Host that has it", value: ({ status }) => status?.node ?? "<none>" },
    { name: "Memory", type: "integer", description: "Bytes of memory", value: ({ status }) => status?.memoryBytes },
    { name: "Stored", type: "integer", description: "Bytes of disk", value: ({ status }) => status?.storedBytes },
    { name: "Pause", type: "integer", description: "Milliseconds", value: ({ status }) => status?.pauseMs },
    { name: "Age", type: "date", description: "Since creation", value: ({ metadata }) => metadata.creationTimestamp },
    {
      name: "Message",
      type: "string",
      description: "Why it waits or failed",
      priority: 1,
      value: ({ status }) => status?.message ?? "",
    },
  ],
});
