import { z } from "zod";
import { isolationSchema } from "../api/isolation.ts";

export const endpointSchema = z.object({ host: z.string(), port: z.number().int().min(1).max(65_535) });
export type Endpoint = z.infer<typeof endpointSchema>;

/** What a node needs to run one server: resolved, quantities in numbers. */
export const serverAssignmentSchema = z.object({
  uid: z
    .string()
    .min(1)
    .max(64)
    .regex(/^[A-Za-z0-9-]+$/),
  namespace: z.string(),
  name: z.string(),
  /** Ownership epoch under which the node may run it. */
  epoch: z.number().int().min(1),
  /** `metadata.generation` of the VirtualServer this was made from. */
  generation: z.number().int(),
  run: z.boolean(),
  /** Its port never joins the network. */
  isIsolated: z.boolean().default(false),
  /** It begins as a checkpoint: until that is restored there is nothing to start it from. */
  awaitsRestore: z.boolean().default(false),
  restartPolicy: z.enum(["Always", "OnFailure", "Never"]),
  image: z.object({ name: z.string(), digest: z.string() }),
  command: z.array(z.string()).min(1),
  environment: z.record(z.string(), z.string()),
  workingDirectory: z.string(),
  /** Inside the server. */
  user: z.object({ uid: z.number().int().min(0).max(65_535), gid: z.number().int().min(0).max(65_535) }),
  hostname: z.string(),
  /** Servers assigned by a controller that knows of no other. */
  isolation: isolationSchema.default("Default"),
  /** It is taken over when the node is lost: the node ends it before its lease does, and starts it only while it has one. */
  endsWithLease: z.boolean().default(false),
  limits: z.object({
    /** Thousandths of a CPU; none: no quota. */
    milliCpu: z.number().int().optional(),
    /** Share under contention, from the request; thousandths of a CPU. */
    requestMilliCpu: z.number().int(),
    memoryBytes: z.number().int(),
    diskBytes: z.number().int(),
    pids: z.number().int(),
  }),
  network: z.object({ address: z.string(), macAddress: z.string() }),
  /** First host id of its block of 65,536. */
  idBlockStart: z.number().int(),
});
export type ServerAssignment = z.infer<typeof serverAssignmentSchema>;

/** An image the node should make or hold. */
export const imageAssignmentSchema = z.object({
  name: z.string(),
  /** None yet: this node is asked to build or import it. */
  digest: z.string().optional(),
  source: z.union([
    z.object({
      debootstrap: z.object({ suite: z.string(), packages: z.array(z.string()), mirror: z.string().optional() }),
    }),
    z.object({ tar: z.object({ path: z.string() }) }),
  ]),
  /** Agents that hold it, to fetch it from. */
  peers: z.array(z.object({ node: z.string(), endpoint: endpointSchema })),
});
export type ImageAssignment = z.infer<typeof imageAssignmentSchema>;

/** The whole of what a node should do. Servers it has that are neither listed nor released run on as they are. */
export const nodeAssignmentSchema = z.object({
  node: z.string(),
  /** Grows with every change; an older one than the last applied is dropped. */
  revision: z.number().int(),
  servers: z.array(serverAssignmentSchema),
  /** Servers the node must stop and delete with their volume, if it holds them at this epoch or an older one. */
  releases: z.array(z.object({ uid: z.string(), epoch: z.number().int() })),
  images: z.array(imageAssignmentSchema),
});
export type NodeAssignment = z.infer<typeof nodeAssignmentSchema>;
