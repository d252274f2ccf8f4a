import { z } from "zod";
import { serverAssignmentSchema } from "@vfleet/shared";

/** What the agent keeps of a server on disk, one file each. Stays after a release, without assignment: the epoch must not be forgotten. */
export const serverRecordSchema = z.object({
  version: z.literal(1),
  uid: z.string(),
  /** The highest ownership epoch this node ever saw for it. An older one is refused. */
  epoch: z.number().int(),
  /** None: released; nothing of the server is left here, or is about to be removed. */
  assignment: serverAssignmentSchema.optional(),
  /** Released: what it was, for reports, until nothing of it is left here. */
  leaving: z.object({ namespace: z.string(), name: z.string(), generation: z.number().int() }).optional(),
  /** Boot in which the controller last confirmed the assignment: after a power cut nothing starts on an old word. */
  confirmedBoot: z.string().optional(),
  /** Term of the node's lease in which it did: after it ran out nothing that ends with it starts on an old word. */
  confirmedTerm: z.string().optional(),
  /** Migration that has the server in its hands: the reconciler leaves it alone, also after the agent was started again. */
  heldBy: z.string().optional(),
  /** Restore of a checkpoint that has the server in its hands. An agent that finds it undoes what was done. */
  restoring: z.string().optional(),
  /** Who holds it has stopped it, or is about to: whatever becomes of that, where it stays it is started afresh. */
  isStoppedToMove: z.boolean().optional(),
  /** Checkpoint that it is to end with: its tasks may be frozen. An agent that finds it lets them go on, or ends them if the checkpoint is whole. */
  suspending: z.string().optional(),
  /** It has ended with its checkpoint, and is not started again before it is asked to stop, or restored. */
  isSuspended: z.boolean().optional(),
  restarts: z.number().int().default(0),
  /** Last time its command began, wall clock. */
  startedAtMs: z.number().optional(),
  /** Its command ended and its restart policy lets it rest, until it is asked to stop and run again. */
  ended: z.object({ exitCode: z.number().int().optional() }).optional(),
  exitCode: z.number().int().optional(),
});
export type ServerRecord = z.infer<typeof serverRecordSchema>;

export function newServerRecord(uid: string): ServerRecord {
  return { version: 1, uid, epoch: 0, restarts: 0 };
}
