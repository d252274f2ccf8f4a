import type { MoveMode } from "@vfleet/shared";
import type { MigrationIdentity } from "../ports.ts";
import type { SessionReport } from "../session-report.ts";

/** What the box asks of a host's process. */
export type HostCommand =
  | { kind: "start-server" }
  /** Ends what an earlier process of this host had begun. */
  | { kind: "resume" }
  | { kind: "expect"; identity: MigrationIdentity; mode: MoveMode; ticketLifetimeMs?: number }
  | {
      kind: "send";
      identity: MigrationIdentity;
      mode: MoveMode;
      port: number;
      ticket: string;
      progressTimeoutMs?: number;
    }
  /** What the controller tells by itself. */
  | { kind: "outcome"; operation: string; outcome: "committed" | "aborted" };

export type HostReply =
  | { kind: "ready" }
  | { kind: "expecting"; port: number; ticket: string }
  | { kind: "ended"; side: "source" | "target"; report: SessionReport }
  | { kind: "resumed"; outcome: "committed" | "aborted"; loss: string | undefined }
  | { kind: "error"; message: string };

/** Asked of the box, which plays the controller. */
export interface RecordQuestion {
  kind: "question";
  id: number;
  ask: "commit" | "abort" | "outcome";
  operation: string;
}

export interface RecordAnswer {
  kind: "answer";
  id: number;
  outcome: "committed" | "aborted" | "undecided";
}
