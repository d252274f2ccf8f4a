import type { TLSSocket } from "node:tls";
import type { MigrationProgress, PreparedTarget, PrepareTarget, StartSource } from "@vfleet/shared";
import { agentError } from "../agent-error.ts";

/** A connection that a peer upgraded to `vfleet-migration`. Nothing is answered yet: the session checks the ticket and does. */
export interface PeerConnection {
  socket: TLSSocket;
  /** Bytes that came behind the request. */
  head: Buffer;
  /** From the peer's certificate: `NAME` of `node:NAME`. */
  node: string;
  /** Path and query, such as `/migrations/OPERATION`. */
  url: string;
  headers: Readonly<Record<string, string | string[] | undefined>>;
}

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
  accept(connection: PeerConnection): void;
  close(): Promise<void>;
}

export type ReportProgress = (progress: MigrationProgress) => void;

/** Of an agent without migrations: every request is refused by name. */
export function noMigrationSessions(node: string): MigrationSessions {
  const refuse = () => Promise.reject(agentError("migrations-unavailable", { node }));
  return {
    recover: () => Promise.resolve(),
    isActive: () => false,
    prepareTarget: refuse,
    startSource: refuse,
    cancel: refuse,
    outcome: refuse,
    accept: ({ socket }) => socket.destroy(),
    close: () => Promise.resolve(),
  };
}
