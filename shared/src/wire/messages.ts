import { z } from "zod";
import { nodeAssignmentSchema } from "./assignment.ts";
import {
  deleteCheckpointSchema,
  describeCheckpointSchema,
  offerCheckpointSchema,
  pullCheckpointSchema,
  restoreCheckpointSchema,
  takeCheckpointSchema,
} from "./checkpoint.ts";
import {
  abortRequestSchema,
  cancelMigrationSchema,
  commitRequestSchema,
  migrationOutcomeSchema,
  outcomeRequestSchema,
  prepareTargetSchema,
  startSourceSchema,
} from "./migration.ts";
import { networkUpdateSchema } from "./network.ts";

/** Controller to agent, on `subjects.command`. */
export const commandMessageSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("assign"), assignment: nodeAssignmentSchema }),
  /** What this node has missed of what all nodes were told. */
  z.object({ kind: z.literal("network"), update: networkUpdateSchema }),
  prepareTargetSchema,
  startSourceSchema,
  cancelMigrationSchema,
  migrationOutcomeSchema,
  takeCheckpointSchema,
  restoreCheckpointSchema,
  deleteCheckpointSchema,
  describeCheckpointSchema,
  offerCheckpointSchema,
  pullCheckpointSchema,
]);
export type CommandMessage = z.infer<typeof commandMessageSchema>;

/**
 * Agent to controller, on `subjects.request`. `sync` is replied with a `NodeAssignment`. `heartbeat` is replied with how long from before it
 * was sent the node may run servers that end with its lease.
 */
export const requestMessageSchema = z.discriminatedUnion("kind", [
  /** `term`: of the node's lease, where it has one. From the answer on nobody takes its servers over for an earlier silence. */
  z.object({ kind: z.literal("sync"), term: z.string().max(64).optional() }),
  z.object({ kind: z.literal("heartbeat") }),
  commitRequestSchema,
  outcomeRequestSchema,
  abortRequestSchema,
]);
export const leaseReplySchema = z.object({ leaseMs: z.number().int().min(1) });
export type RequestMessage = z.infer<typeof requestMessageSchema>;
