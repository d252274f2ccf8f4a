import { z } from "zod";
import { conditionSchema } from "../api/meta.ts";
import { serverPhases } from "../api/virtual-server.ts";
import { resourcesSchema } from "../api/node-resources.ts";
import { endpointSchema } from "./assignment.ts";
import { checkpointReportSchema, restoreReportSchema } from "./checkpoint.ts";
import { networkStateSchema } from "./network.ts";

/** What a server holds that can't be dumped, as far as it shows from outside. */
export const migratabilitySchema = z.object({
  ok: z.boolean(),
  /** `reason` is one CamelCase word, such as `IoUring` or `NestedNamespace`. */
  reasons: z.array(z.object({ reason: z.string().regex(/^[A-Z][A-Za-z]{0,63}$/), message: z.string() })).max(16),
});
export type Migratability = z.infer<typeof migratabilitySchema>;

export const serverReportSchema = z.object({
  uid: z.string(),
  namespace: z.string(),
  name: z.string(),
  epoch: z.number().int(),
  phase: z.enum(serverPhases),
  reason: z.string().optional(),
  message: z.string().optional(),
  exitCode: z.number().int().optional(),
  restarts: z.number().int(),
  startedAtMs: z.number().optional(),
  observedGeneration: z.number().int(),
  /** The node ends it before its lease does, whatever becomes of the agent. */
  endsWithLease: z.boolean().optional(),
  /** None: not looked at yet. */
  migratable: migratabilitySchema.optional(),
});
export type ServerReport = z.infer<typeof serverReportSchema>;

export const imageReportSchema = z.object({
  name: z.string(),
  phase: z.enum(["Building", "Fetching", "Ready", "Failed"]),
  digest: z.string().optional(),
  sizeBytes: z.number().optional(),
  message: z.string().optional(),
});
export type ImageReport = z.infer<typeof imageReportSchema>;

/** A node's heartbeat: everything it has, whole, so that a lost one costs time and no state. */
export const nodeReportSchema = z.object({
  node: z.string(),
  bootId: z.string(),
  agentVersion: z.string(),
  endpoint: endpointSchema,
  underlayAddress: z.string(),
  labels: z.record(z.string(), z.string()),
  capacity: resourcesSchema,
  allocatable: resourcesSchema,
  info: z.object({
    machineId: z.string(),
    kernelVersion: z.string(),
    osImage: z.string(),
    architecture: z.string(),
    runcVersion: z.string(),
    criuVersion: z.string(),
    /** Whether its kernel says which pages were written: rounds of memory need it. */
    dirtyTracking: z.boolean().default(false),
  }),
  conditions: z.array(conditionSchema),
  /** Revision of the last assignment applied; 0 before the first. */
  assignmentRevision: z.number().int(),
  /** What it has of the network map. */
  network: networkStateSchema,
  servers: z.array(serverReportSchema),
  lease: z
    .object({
      /** As last granted; 0: not since the agent began. */
      durationMs: z.number().min(0),
      isHeld: z.boolean(),
      /** That end with it. */
      servers: z.number().int().min(0),
      /** When it last ran out, by the node's wall clock; for display. */
      lostAtMs: z.number().optional(),
    })
    .optional(),
  images: z.array(imageReportSchema),
  /** None from an agent that knows of none. */
  checkpoints: z.array(checkpointReportSchema).default([]),
  /** The last ones. */
  restores: z.array(restoreReportSchema).default([]),
});
export type NodeReport = z.infer<typeof nodeReportSchema>;

const usageSchema = z.object({
  milliCpu: z.number().min(0),
  memoryBytes: z.number().min(0),
  diskBytes: z.number().min(0),
  pids: z.number().min(0),
  receivedBytesPerSecond: z.number().min(0),
  sentBytesPerSecond: z.number().min(0),
});
export type Usage = z.infer<typeof usageSchema>;

const percentSchema = z.number().min(0).max(100);
const stalledSchema = z.object({
  /** Share of the last 10 and 60 s. */
  avg10Percent: percentSchema,
  avg60Percent: percentSchema,
  totalMicroseconds: z.number().min(0),
});
/** Time in which some task waited, and in which all did (kernel PSI). */
const stallSchema = z.object({ some: stalledSchema, full: stalledSchema.optional() });
export type Stall = z.infer<typeof stallSchema>;

/** What the kernel doesn't count is left out: that is unknown, not 0. */
export const pressureSchema = z.object({
  cpu: stallSchema.optional(),
  memory: stallSchema.optional(),
  io: stallSchema.optional(),
});
export type Pressure = z.infer<typeof pressureSchema>;

/** Samples; nothing that can't be measured again. */
export const nodeTelemetrySchema = z.object({
  node: z.string(),
  atMs: z.number(),
  host: usageSchema.extend({ pressure: pressureSchema }),
  servers: z.array(
    z.object({
      uid: z.string(),
      namespace: z.string(),
      name: z.string(),
      usage: usageSchema,
      pressure: pressureSchema.default({}),
    }),
  ),
});
export type NodeTelemetry = z.infer<typeof nodeTelemetrySchema>;
