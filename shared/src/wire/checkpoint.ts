import { z } from "zod";
import { endpointSchema } from "./assignment.ts";
import { hostVersionsSchema, operationSchema } from "./migration.ts";

const checkpointIdSchema = operationSchema;
const aboutServer = {
  uid: z.string(),
  /** Ownership epoch under which the node has the server; another one is refused. */
  epoch: z.number().int().min(1),
};

/** Accepted when it is replied; how it ends is in the node's report. Repeating it with the same id changes nothing. */
export const takeCheckpointSchema = z.object({
  kind: z.literal("checkpoint.take"),
  checkpoint: checkpointIdSchema,
  /** The server ends with it, frozen until then. Where it can't be taken it runs on. */
  stops: z.boolean().default(false),
  ...aboutServer,
});
export type TakeCheckpoint = z.infer<typeof takeCheckpointSchema>;

/** In the place of its own server, or as one that awaits it. The same. */
export const restoreCheckpointSchema = z.object({
  kind: z.literal("checkpoint.restore"),
  operation: operationSchema,
  checkpoint: checkpointIdSchema,
  /** A server that runs is ended for it; without this it is refused then. */
  replace: z.boolean(),
  ...aboutServer,
});
export type RestoreCheckpoint = z.infer<typeof restoreCheckpointSchema>;

/** Done when it is replied. Deleting what isn't there is done. */
export const deleteCheckpointSchema = z.object({
  kind: z.literal("checkpoint.delete"),
  checkpoint: checkpointIdSchema,
});
export type DeleteCheckpoint = z.infer<typeof deleteCheckpointSchema>;

/** The node may fetch it once, within a minute. */
export const offerCheckpointSchema = z.object({
  kind: z.literal("checkpoint.offer"),
  checkpoint: checkpointIdSchema,
  to: z.string(),
});
export type OfferCheckpoint = z.infer<typeof offerCheckpointSchema>;

/** Fetches a copy from a node that was told to offer it; as `checkpoint.take`, but told again after a failure it tries again. */
export const pullCheckpointSchema = z.object({
  kind: z.literal("checkpoint.pull"),
  checkpoint: checkpointIdSchema,
  from: z.object({ node: z.string(), endpoint: endpointSchema }),
});
export type PullCheckpoint = z.infer<typeof pullCheckpointSchema>;

/** Replied with `CheckpointDetails`; refused with `checkpoint-missing`. */
export const describeCheckpointSchema = z.object({
  kind: z.literal("checkpoint.describe"),
  checkpoint: checkpointIdSchema,
});
export type DescribeCheckpoint = z.infer<typeof describeCheckpointSchema>;

/** What a node has of a checkpoint that is ready: asked for once, since it never changes. */
export const checkpointDetailsSchema = z.object({
  takenAt: z.string(),
  pauseMs: z.number().min(0),
  memoryBytes: z.number().int().min(0),
  /** Of the host's disk, beside the volume: what other checkpoints have already is not counted. */
  storedBytes: z.number().int().min(0),
  volumeBytes: z.number().int().min(0),
  versions: hostVersionsSchema,
  /** What the server was, in the agents' own words. */
  spec: z.record(z.string(), z.unknown()),
});
export type CheckpointDetails = z.infer<typeof checkpointDetailsSchema>;

/**
 * A checkpoint of a node, or one that it could not take: those are known until the agent is started again. In every heartbeat, so no more
 * than what can change.
 */
export const checkpointReportSchema = z.object({
  checkpoint: z.string(),
  phase: z.enum(["Taking", "Copying", "Ready", "Failed"]),
  message: z.string().optional(),
});
export type CheckpointReport = z.infer<typeof checkpointReportSchema>;

/** A restore of this run of the agent. */
export const restoreReportSchema = z.object({
  operation: z.string(),
  checkpoint: z.string(),
  uid: z.string(),
  phase: z.enum(["Restoring", "Succeeded", "Failed"]),
  message: z.string().optional(),
  /** From the end of what ran before until the restored tasks ran. */
  pauseMs: z.number().min(0).optional(),
});
export type RestoreReport = z.infer<typeof restoreReportSchema>;
