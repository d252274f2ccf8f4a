import type { Readable } from "node:stream";
import type {
  CheckpointDetails,
  DeleteCheckpoint,
  DescribeCheckpoint,
  NodeReport,
  OfferCheckpoint,
  PullCheckpoint,
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
  offer(request: OfferCheckpoint): void;
  pull(request: PullCheckpoint): void;
  /** Its archive, for a node that it was offered to, or for the controller. Throws `checkpoint-not-offered`, `checkpoint-missing`. */
  send(id: string, peer: string): Readable;
  /** Looks at every digest. Throws `checkpoint-damaged`, `checkpoint-missing`. */
  verify(id: string): Promise<void>;
  /** Keeps an archive of anybody's as a checkpoint of this node. */
  receive(id: string, archive: Readable): Promise<CheckpointDetails>;
  reports(): Pick<NodeReport, "checkpoints" | "restores">;
}
