import { z } from "zod";
import { allVerbs, defineKind } from "./kind.ts";
import { conditionSchema, nameSchema, objectMetaSchema } from "./meta.ts";

export const namespaceSchema = z.strictObject({
  apiVersion: z.literal("v1"),
  kind: z.literal("Namespace"),
  metadata: objectMetaSchema.extend({ name: nameSchema }),
  spec: z.strictObject({ finalizers: z.array(z.string()).optional() }).optional(),
  status: z
    .looseObject({
      phase: z.enum(["Active", "Terminating"]).optional(),
      conditions: z.array(conditionSchema).optional(),
    })
    .optional(),
});
export type Namespace = z.infer<typeof namespaceSchema>;

export const namespaceKind = defineKind<Namespace>({
  group: "",
  version: "v1",
  kind: "Namespace",
  plural: "namespaces",
  singular: "namespace",
  shortNames: ["ns"],
  categories: [],
  namespaced: false,
  statusSubresource: true,
  verbs: allVerbs,
  schema: namespaceSchema,
  columns: [
    { name: "Status", type: "string", description: "Phase", value: (namespace) => namespace.status?.phase ?? "Active" },
    {
      name: "Age",
      type: "date",
      description: "Since creation",
      value: (namespace) => namespace.metadata.creationTimestamp,
    },
  ],
});
