import type { MoveMode, MoveRound } from "@vfleet/shared";
import type { TimelineStep } from "./timeline.ts";

/** Where a session is, in the words of the fleet's Migration. */
export type SessionPhase =
  | "preparing"
  | "syncing"
  | "frozen"
  | "restoring"
  | "committed"
  | "cleaning"
  | "done"
  | "failed";

/** The whole picture of one side at one moment. */
export interface SessionReport {
  phase: SessionPhase;
  /** The mode under way: rounds that don't shrink go over from `Precopy` to `Hybrid`, where that is allowed. */
  mode: MoveMode;
  /** Source: the round of memory under way, from 0. */
  round?: number;
  /** Source: the rounds of memory that have ended. */
  rounds?: MoveRound[];
  /** Source: at which the server writes memory, as seen between two rounds. */
  dirtyRateBytesPerSecond?: number;
  /** Source: were it frozen now. */
  predictedPauseMs?: number;
  /** Memory and volume that went over, before compression. */
  movedBytes: number;
  /** Pages of memory, zero pages included. */
  memoryBytes: number;
  volumeBytes: number;
  /** On the wire, with TLS, compressed. Source only. */
  wireBytes: number;
  /** Memory that the target still lacks, where that is known. */
  remainingBytes?: number;
  /** Post-copy: the loss of either host would be the server's. */
  bothHostsNeeded?: boolean;
  /** Source: freeze until it is known that the tasks run at the target, or here again. */
  pauseMs?: number;
  timeline: TimelineStep[];
  error?: { code: string; message: string };
}
