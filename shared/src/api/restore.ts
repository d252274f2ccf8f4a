import { z } from "zod";
import { allVerbs, defineKind } from "./kind.ts";
import { nameSchema, objectMetaSchema, subdomainSchema } from "./meta.ts";

/** Of a server that begins as a checkpoint, until that is restored: name of the Restore. */
export const awaitsRestoreAnnotation = "vfleet.dev/awaits-restore";
/** Of a server that never joins the network. */
export const isolatedAnnotation = "vfleet.dev/isolated";
/** The only node where it may be placed, since its checkpoint comes to it. */
export const restoreNodeAnnotation = "vfleet.dev/restore-node";

export const restorePhases = ["Pending", "Copying", "Restoring", "Succeeded", "Failed"] as const;

export const restoreSchema = z
  .strictObject({
    apiVersion: z.literal("vfleet.dev/v1"),
    kind: z.literal("Restore"),
    metadata: objectMetaSchema.extend({ name: subdomainSchema }),
    spec: z.strictObject({
      checkpoint: subdomainSchema.meta({
        description: "Checkpoint of the same namespace, restored in its server's place",
      }),
      target: z
        .strictObject({
          server: nameSchema,
          isolated: z
            .boolean()
            .default(false)
            .meta({ description: "It never joins the network: to look at what it is" }),
        })
        .optional()
        .meta({ description: "A new server that begins as the checkpoint, with its spec, and an address of its own" }),
      node: subdomainSchema.optional().meta({
        description: "Where the new server runs; none: the scheduler says, of those that have the checkpoint first",
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
        serverUid: z.string().optional().meta({ description: "Of the server that was made" }),
        copyAskedAt: z.string().optional().meta({ description: "When its host was told to fetch the checkpoint" }),
        acceptedAt: z.string().optional().meta({ description: "When the host took it on" }),
        endedAt: z.string().optional(),
      })
      .optional(),
  })
  .refine(({ spec }) => spec.node === undefined || spec.target !== undefined, {
    path: ["spec", "node"],
    message: "goes with spec.target: in its server's place it is restored where that is",
  })
  .refine(({ spec }) => !spec.replace || spec.target === undefined, {
    path: ["spec", "replace"],
    message: "does not go with spec.target: a new server replaces none",
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
  immutable: ["spec.checkpoint", "spec.replace", "spec.target", "spec.node"],
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
