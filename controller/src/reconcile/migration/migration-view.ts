import type { Migration, MigrationProgress, MigrationStatus, ServerReport, VirtualServer } from "@vfleet/shared";
import type { Presence } from "../../fleet/presence.ts";
import type { OwnershipOperation } from "../../ownership/record.ts";
import type { Mark } from "./migration-measure.ts";

/** What is known of one side of a move. */
export interface SideView {
  presence: Presence;
  progress: MigrationProgress | undefined;
  /** Since it last said something of the move, or since it has been listened to. */
  quietMs: number;
  /** What its node reports of the server; none: it reports without it, or hasn't reported. */
  held: Pick<ServerReport, "epoch" | "phase" | "restarts" | "message"> | undefined;
  hasReported: boolean;
}

/** Everything that decides what to do with a move. */
export interface MigrationView {
  migration: Migration;
  server: VirtualServer | undefined;
  /** What the ownership record says of this operation; none: nothing yet. */
  operation: Pick<OwnershipOperation, "state" | "reason"> | undefined;
  source: SideView;
  target: SideView;
  session: {
    /** `started`: the source accepted the command to go. */
    state: "idle" | "commanding" | "started" | "failed";
    error: string | undefined;
    /** Since either side said something, or the session began to be watched. */
    silentMs: number;
    /** Since either side said that something had moved or changed. */
    stalledMs: number;
    marks: readonly Mark[];
    /** The agents know the outcome, as far as they answer. */
    told: boolean;
  };
  /** This controller has just started: what is under way will be heard of by itself. */
  isSettling: boolean;
  now: string;
}

export type MigrationAction =
  | { kind: "admit" }
  | { kind: "begin" }
  /** Has the target prepared, then the source started. Both may be repeated. */
  | { kind: "command" }
  | { kind: "abort"; reason: string }
  | { kind: "tell"; outcome: "committed" | "aborted" }
  | { kind: "let-go" };

export interface MigrationDecision {
  status?: MigrationStatus;
  actions: MigrationAction[];
}

/** Milliseconds since the move was admitted. */
export function sinceStartMs(view: Pick<MigrationView, "migration" | "now">): number {
  return Math.max(0, Date.parse(view.now) - Date.parse(view.migration.status?.startedAt ?? view.now));
}

/** Without the figures that mean something only while it moves. */
export function withoutMoment(status: MigrationStatus): MigrationStatus {
  const { rateBytesPerSecond: _rate, remainingBytes: _remaining, round: _round, ...rest } = status;
  return rest;
}

export function withoutExplanation(status: MigrationStatus): MigrationStatus {
  const { reason: _reason, message: _message, ...rest } = status;
  return rest;
}
