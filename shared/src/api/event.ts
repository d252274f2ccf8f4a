import { z } from "zod";
import { allVerbs, defineKind } from "./kind.ts";
import { objectMetaSchema, subdomainSchema } from "./meta.ts";

/** Kubernetes core `v1` Event. */
export const eventSchema = z.strictObject({
  apiVersion: z.literal("v1"),
  kind: z.literal("Event"),
  metadata: objectMetaSchema.extend({ name: subdomainSchema }),
  involvedObject: z.looseObject({
    apiVersion: z.string().optional(),
    kind: z.string(),
    name: z.string(),
    namespace: z.string().optional(),
    uid: z.string().optional(),
  }),
  reason: z.string().optional(),
  message: z.string().optional(),
  type: z.enum(["Normal", "Warning"]).optional(),
  count: z.number().int().optional(),
  firstTimestamp: z.string().nullish(),
  lastTimestamp: z.string().nullish(),
  eventTime: z.string().nullish(),
  source: z.looseObject({ component: z.string().optional(), host: z.string().optional() }).optional(),
  reportingComponent: z.string().optional(),
  reportingInstance: z.string().optional(),
  action: z.string().optional(),
});
export type Event = z.infer<typeof eventSchema>;

export const eventKind = defineKind<Event>({
  group: "",
  version: "v1",
  kind: "Event",
  plural: "events",
  singular: "event",
  shortNames: ["ev"],
  categories: [],
  namespaced: true,
  statusSubresource: false,
  verbs: allVerbs,
  schema: eventSchema,
  selectableFields: [
    "involvedObject.kind",
    "involvedObject.name",
    "involvedObject.namespace",
    "involvedObject.uid",
    "reason",
    "type",
  ],
  columns: [
    {
      name: "Last Seen",
      type: "date",
      description: "When it last happened",
      value: (event) => event.lastTimestamp ?? event.metadata.creationTimestamp,
    },
    { name: "Type", type: "string", description: "Normal or Warning", value: (event) => event.type ?? "Normal" },
    { name: "Reason", type: "string", description: "One word", value: (event) => event.reason ?? "" },
    {
      name: "Object",
      type: "string",
      description: "What it is about",
      value: (event) => `${event.involvedObject.kind.toLowerCase()}/${event.involvedObject.name}`,
    },
    { name: "Message", type: "string", description: "What happened", value: (event) => event.message ?? "" },
    { name: "Count", type: "integer", description: "How often", priority: 1, value: (event) => event.count ?? 1 },
    {
      name: "Source",
      type: "string",
      description: "Who says so",
      priority: 1,
      value: (event) => event.source?.component ?? "",
    },
  ],
});
