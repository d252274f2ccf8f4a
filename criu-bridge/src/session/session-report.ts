import type { MoveMode } from "@vfleet/shared";
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
  mode: MoveMode;
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
