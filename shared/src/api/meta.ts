import { z } from "zod";

/** RFC 1123 label, as Kubernetes names are: `a-z`, `0-9`, `-`, 63 at most. */
export const nameSchema = z
  .string()
  .min(1)
  .max(63)
  .regex(
    /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
    "must be lower-case letters, digits or '-', and start and end with a letter or digit",
  );

/** RFC 1123 subdomain, for kinds whose names may carry dots (nodes, images, events). */
export const subdomainSchema = z
  .string()
  .min(1)
  .max(253)
  .regex(
    /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/,
    "must be lower-case letters, digits, '-' or '.', and start and end with a letter or digit",
  )
  .refine((text) => !text.includes(".."), "must not contain '..'");

const labelValue = z
  .string()
  .max(63)
  .regex(/^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/);

export const ownerReferenceSchema = z.object({
  apiVersion: z.string(),
  kind: z.string(),
  name: z.string(),
  uid: z.string(),
  controller: z.boolean().optional(),
  blockOwnerDeletion: z.boolean().optional(),
});

/** Kubernetes `ObjectMeta`, the members the fleet uses. The server fills uid, versions, generation and times. */
export const objectMetaSchema = z.object({
  name: subdomainSchema.optional(),
  generateName: z.string().max(200).optional(),
  namespace: nameSchema.optional(),
  uid: z.string().optional(),
  resourceVersion: z.string().optional(),
  generation: z.number().int().optional(),
  creationTimestamp: z.string().nullish(),
  deletionTimestamp: z.string().optional(),
  deletionGracePeriodSeconds: z.number().optional(),
  labels: z.record(z.string().max(317), labelValue).optional(),
  annotations: z.record(z.string().max(317), z.string().max(262_144)).optional(),
  finalizers: z.array(z.string()).max(32).optional(),
  ownerReferences: z.array(ownerReferenceSchema).max(32).optional(),
  managedFields: z.array(z.unknown()).optional(),
  selfLink: z.string().optional(),
});
export type ObjectMeta = z.infer<typeof objectMetaSchema>;

/** Kubernetes `metav1.Condition`. */
export const conditionSchema = z.object({
  type: z.string(),
  status: z.enum(["True", "False", "Unknown"]),
  reason: z.string().optional(),
  message: z.string().optional(),
  observedGeneration: z.number().int().optional(),
  lastTransitionTime: z.string().optional(),
  lastHeartbeatTime: z.string().optional(),
});
export type Condition = z.infer<typeof conditionSchema>;

/** Any stored object: what the store, the watch and the printers handle without knowing the kind. */
export interface ApiObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta & { name: string };
  spec?: unknown;
  status?: unknown;
}

/** Sets a condition; `lastTransitionTime` moves only when the status does. Returns a new list. */
export function withCondition(conditions: readonly Condition[] | undefined, next: Condition, now: string): Condition[] {
  const list = conditions ?? [];
  const previous = list.find((condition) => condition.type === next.type);
  const lastTransitionTime =
    previous !== undefined && previous.status === next.status ? (previous.lastTransitionTime ?? now) : now;
  const rest = list.filter((condition) => condition.type !== next.type);
  return [...rest, { ...next, lastTransitionTime }].toSorted((a, b) => a.type.localeCompare(b.type));
}

export function conditionOf(conditions: readonly Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}
