import type { PreparedTarget, PrepareTarget, StartSource } from "@vfleet/shared";

/** The migrations of this node, as the rest of the agent sees them. */
export interface MigrationSessions {
  /** Takes up what an earlier run of the agent left, before the reconciler looks at anything. */
  recover(): Promise<void>;
  /** The server is in a session's hands. */
  isActive(uid: string): boolean;
  prepareTarget(request: PrepareTarget): Promise<PreparedTarget>;
  /** Accepted when it resolves; how it goes is told by progress. */
  startSource(request: StartSource): Promise<void>;
  cancel(operation: string, reason: string): Promise<void>;
  outcome(operation: string, outcome: "committed" | "aborted"): Promise<void>;
  close(): Promise<void>;
}
