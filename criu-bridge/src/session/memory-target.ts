import { join } from "node:path";
import type { MoveMode } from "@vfleet/shared";
import { lastComplaint, type BackgroundProgram } from "../criu/background-program.ts";
import type { PageWish } from "../pages/page-service.ts";
import type { PageTotals } from "../pages/page-server.ts";
import type { ReceivedFrame } from "../stream/frame-parser.ts";
import type { OperationFolders } from "./operation-folders.ts";
import type { SessionHost } from "./session-options.ts";

/** How the memory of a server gets in, before its restore and while it is filled: one for each mode. */
export interface MemoryTarget {
  /** Whether pages come after the server is complete, too. Where there are rounds: known once they have ended. */
  readonly asksForPages: boolean;
  /** The move begins: what takes a while to start is started. */
  prepare?(): void;
  /** Where memory comes in rounds: one was sent whole. */
  endRound?(announced: PageTotals): Promise<void>;
  /** Where memory comes in rounds: there are no more, and this is how the rest comes. */
  endRounds?(mode: MoveMode): void;
  /** Takes a frame of the pages channel; a promise holds the connection back. */
  take(frame: ReceivedFrame): Promise<void> | undefined;
  /** The source has sent everything that a restore needs. */
  complete(announced: PageTotals): Promise<void>;
  /** Starts the daemon that fills the memory of what is restored. */
  startFilling(): Promise<BackgroundProgram>;
  /** Arrived so far. */
  readonly pages: number;
  /** Still to be filled, where that is known. */
  readonly remainingPages: number | undefined;
  /** The source owes pages. */
  readonly isWaiting: boolean;
  /** Lets go of files and sockets. */
  close(): Promise<void>;
}

export interface MemoryTargetOptions {
  host: SessionHost;
  folders: OperationFolders;
  /** More memory than this is refused. */
  limitBytes: number;
  ask(wish: PageWish): void;
  failed(error: Error): void;
}

/** What the program that fills memory prints. */
export const fillingLog = "filling.log";

/** Why memory was not filled. */
export function fillComplaint(work: string): string {
  const complaint = lastComplaint(join(work, fillingLog));
  return complaint === "" ? "what fills it was ended" : complaint;
}
