import { z } from "zod";
import { allVerbs, defineKind } from "./kind.ts";
import { conditionSchema, objectMetaSchema, subdomainSchema } from "./meta.ts";

const packageName = z.string().regex(/^[a-z0-9][a-z0-9+.-]+$/, "must be a Debian package name");

/** A Debian root made by the fleet itself. */
const debootstrapSchema = z.strictObject({
  suite: z
    .string()
    .regex(/^[a-z][a-z0-9-]*$/)
    .default("bookworm"),
  packages: z.array(packageName).max(512).default([]),
  mirror: z
    .url({ protocol: /^https?$/ })
    .optional()
    .meta({ description: "None: what the building host's own sources name" }),
});

export const imageSchema = z.strictObject({
  apiVersion: z.literal("vfleet.dev/v1"),
  kind: z.literal("Image"),
  metadata: objectMetaSchema.extend({ name: subdomainSchema }),
  spec: z.strictObject({
    source: z.union([
      z.strictObject({ debootstrap: debootstrapSchema }),
      z.strictObject({
        tar: z.strictObject({
          /** On the node that imports; `node` names it. Absolute. */
          path: z.string().startsWith("/").max(4096),
          node: subdomainSchema,
        }),
      }),
    ]),
    /** Program and arguments of servers that give no command. */
    command: z.array(z.string()).min(1).max(256).optional(),
  }),
  status: z
    .looseObject({
      phase: z.enum(["Pending", "Building", "Ready", "Failed"]).optional(),
      reason: z.string().optional(),
      message: z.string().optional(),
      /** `sha256:…` of the canonical root content. */
      digest: z.string().optional(),
      sizeBytes: z.number().optional(),
      /** Nodes that hold it. */
      nodes: z.array(z.string()).optional(),
      /** Node that builds or imports it. */
      builderNode: z.string().optional(),
      conditions: z.array(conditionSchema).optional(),
    })
    .optional(),
});
export type Image = z.infer<typeof imageSchema>;

export const imageKind = defineKind<Image>({
  group: "vfleet.dev",
  version: "v1",
  kind: "Image",
  plural: "images",
  singular: "image",
  shortNames: ["img"],
  categories: ["fleet"],
  namespaced: false,
  statusSubresource: true,
  verbs: allVerbs,
  schema: imageSchema,
  immutable: ["spec.source"],
  columns: [
    { name: "Status", type: "string", description: "Phase", value: (image) => image.status?.phase ?? "Pending" },
    { name: "Size", type: "integer", description: "Bytes of its root", value: (image) => image.status?.sizeBytes },
    {
      name: "Nodes",
      type: "string",
      description: "Hosts that hold it",
      value: (image) => image.status?.nodes?.join(",") ?? "<none>",
    },
    { name: "Age", type: "date", description: "Since creation", value: (image) => image.metadata.creationTimestamp },
    {
      name: "Digest",
      type: "string",
      description: "Content",
      priority: 1,
      value: (image) => image.status?.digest ?? "",
    },
    {
      name: "Message",
      type: "string",
      description: "Why it waits or failed",
      priority: 1,
      value: (image) => image.status?.message ?? "",
    },
  ],
});
