import { z } from "zod";
import { defineKind } from "./kind.ts";
import { resourcesSchema } from "./node-resources.ts";
import { conditionOf, conditionSchema, objectMetaSchema, subdomainSchema } from "./meta.ts";

export const taintSchema = z.strictObject({
  key: z.string().min(1).max(317),
  value: z.string().max(63).optional(),
  effect: z.enum(["NoSchedule", "PreferNoSchedule", "NoExecute"]),
  timeAdded: z.string().optional(),
});
export type Taint = z.infer<typeof taintSchema>;

/** Kubernetes core `v1` Node, the members kubectl reads and the fleet uses, and the fleet's own under `status.fleet`. */
export const nodeSchema = z.strictObject({
  apiVersion: z.literal("v1"),
  kind: z.literal("Node"),
  metadata: objectMetaSchema.extend({ name: subdomainSchema }),
  spec: z
    .strictObject({
      unschedulable: z.boolean().optional(),
      taints: z.array(taintSchema).max(64).optional(),
      providerID: z.string().optional(),
      podCIDR: z.string().optional(),
    })
    .prefault({}),
  status: z
    .looseObject({
      /** Quantities as text: `cpu`, `memory`, `ephemeral-storage`, `pods`. */
      capacity: z.record(z.string(), z.string()).optional(),
      allocatable: z.record(z.string(), z.string()).optional(),
      conditions: z.array(conditionSchema).optional(),
      addresses: z.array(z.object({ type: z.string(), address: z.string() })).optional(),
      nodeInfo: z
        .looseObject({
          machineID: z.string(),
          systemUUID: z.string(),
          bootID: z.string(),
          kernelVersion: z.string(),
          osImage: z.string(),
          containerRuntimeVersion: z.string(),
          kubeletVersion: z.string(),
          kubeProxyVersion: z.string(),
          operatingSystem: z.string(),
          architecture: z.string(),
        })
        .optional(),
      images: z.array(z.object({ names: z.array(z.string()), sizeBytes: z.number() })).optional(),
      fleet: z
        .looseObject({
          agentVersion: z.string().optional(),
          criuVersion: z.string().optional(),
          runcVersion: z.string().optional(),
          /** Whether its kernel says which pages were written: modes with rounds need it at the source. */
          dirtyTracking: z.boolean().optional(),
          /** Where peers reach the agent, `host:port`. */
          agentEndpoint: z.string().optional(),
          lastHeartbeatMs: z.number().optional(),
          bootCapacity: resourcesSchema
            .optional()
            .meta({ description: "As it was first said since the node's present boot: it can't grow in one" }),
          lease: z
            .looseObject({
              durationMs: z.number().optional(),
              isHeld: z.boolean().optional(),
              servers: z.number().optional(),
              lostAt: z.string().optional(),
            })
            .optional()
            .meta({ description: "Time without the controller after which it has ended the servers that end with it" }),
        })
        .optional(),
    })
    .optional(),
});
export type Node = z.infer<typeof nodeSchema>;

export function isNodeReady(node: Node): boolean {
  return conditionOf(node.status?.conditions, "Ready")?.status === "True";
}

function statusColumn(node: Node): string {
  return `${isNodeReady(node) ? "Ready" : "NotReady"}${node.spec.unschedulable === true ? ",SchedulingDisabled" : ""}`;
}

export const nodeKind = defineKind<Node>({
  group: "",
  version: "v1",
  kind: "Node",
  plural: "nodes",
  singular: "node",
  shortNames: ["no"],
  categories: [],
  namespaced: false,
  statusSubresource: true,
  verbs: ["delete", "get", "list", "patch", "update", "watch"],
  schema: nodeSchema,
  selectableFields: ["spec.unschedulable"],
  columns: [
    { name: "Status", type: "string", description: "Readiness and cordon", value: statusColumn },
    { name: "Age", type: "date", description: "Since it joined", value: (node) => node.metadata.creationTimestamp },
    {
      name: "Version",
      type: "string",
      description: "Agent version",
      value: (node) => node.status?.nodeInfo?.kubeletVersion ?? "<unknown>",
    },
    {
      name: "Internal-IP",
      type: "string",
      description: "Underlay address",
      priority: 1,
      value: (node) => node.status?.addresses?.find((address) => address.type === "InternalIP")?.address ?? "<none>",
    },
    {
      name: "Kernel-Version",
      type: "string",
      description: "Running kernel",
      priority: 1,
      value: (node) => node.status?.nodeInfo?.kernelVersion ?? "<unknown>",
    },
    {
      name: "CRIU",
      type: "string",
      description: "CRIU that moves its servers",
      priority: 1,
      value: (node) => node.status?.fleet?.criuVersion ?? "<unknown>",
    },
    {
      name: "Container-Runtime",
      type: "string",
      description: "Runtime",
      priority: 1,
      value: (node) => node.status?.nodeInfo?.containerRuntimeVersion ?? "<unknown>",
    },
  ],
});
