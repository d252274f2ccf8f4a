import type {
  CheckpointDetails,
  DeleteCheckpoint,
  DescribeCheckpoint,
  NodeReport,
  RestoreCheckpoint,
  TakeCheckpoint,
} from "@vfleet/shared";

/** The checkpoints of this node, as the rest of the agent sees them. */
export interface CheckpointSessions {
  /** Undoes what an earlier run of the agent left half done, before the reconciler looks at anything. */
  recover(): Promise<void>;
  /** Throws `checkpoint-under-way` where a server must not move now. */
  requireFree(uid: string): void;
  /** Accepted when it resolves; how it ends is reported. */
  take(request: TakeCheckpoint): Promise<void>;
  restore(request: RestoreCheckpoint): Promise<void>;
  delete(request: DeleteCheckpoint): Promise<void>;
  describe(request: DescribeCheckpoint): CheckpointDetails;
  reports(): Pick<NodeReport, "checkpoints" | "restores">;
}
