import { z } from "zod";
import { allVerbs, defineKind } from "./kind.ts";
import { objectMetaSchema, subdomainSchema } from "./meta.ts";

/** Of a server that begins as a checkpoint, until that is restored: name of the Restore. */
export const awaitsRestoreAnnotation = "vfleet.dev/awaits-restore";
/** The only node where it may be placed, since its checkpoint comes to it. */
export const restoreNodeAnnotation = "vfleet.dev/restore-node";

export const restorePhases = ["Pending", "Restoring", "Succeeded", "Failed"] as const;

export const restoreSchema = z.strictObject({
  apiVersion: z.literal("vfleet.dev/v1"),
  kind: z.literal("Restore"),
  metadata: objectMetaSchema.extend({ name: subdomainSchema }),
  spec: z.strictObject({
    checkpoint: subdomainSchema.meta({
      description: "Checkpoint of the same namespace, restored in its server's place",
    }),
    replace: z.boolean().default(false).meta({
      description:
        "Ends the server where it runs: what it has done since the checkpoint is lost. Without it a running server is not restored over",
    }),
  }),
  status: z
    .looseObject({
      phase: z.enum(restorePhases).optional(),
      message: z.string().optional(),
      node: z.string().optional(),
      pauseMs: z.number().optional().meta({ description: "From the end of what ran until the restored server ran" }),
      startedAt: z.string().optional(),
      acceptedAt: z.string().optional().meta({ description: "When the host took it on" }),
      endedAt: z.string().optional(),
    })
    .optional(),
});
export type Restore = z.infer<typeof restoreSchema>;
export type RestoreStatus = NonNullable<Restore["status"]>;

export const restoreKind = defineKind<Restore>({
  group: "vfleet.dev",
  version: "v1",
  kind: "Restore",
  plural: "restores",
  singular: "restore",
  shortNames: [],
  categories: ["fleet"],
  namespaced: true,
  statusSubresource: true,
  verbs: allVerbs,
  schema: restoreSchema,
  immutable: ["spec.checkpoint", "spec.replace"],
  selectableFields: ["spec.checkpoint", "status.phase"],
  columns: [
    { name: "Checkpoint", type: "string", description: "What is restored", value: ({ spec }) => spec.checkpoint },
    { name: "Phase", type: "string", description: "How far it is", value: ({ status }) => status?.phase ?? "Pending" },
    { name: "Node", type: "string", description: "Host", value: ({ status }) => status?.node ?? "<none>" },
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
