import type { Socket } from "node:net";
import type { MoveMode } from "@vfleet/shared";
import type { PageWish } from "../pages/page-service.ts";
import type { PageTotals } from "../pages/page-server.ts";
import type { FrameConnection } from "../stream/frame-connection.ts";
import type { Message } from "./messages.ts";
import type { OperationFolders } from "./operation-folders.ts";
import type { RuncContainer } from "./ports.ts";
import type { SessionHost } from "./session-options.ts";

/** How the memory of a server gets to its target, while it is dumped and afterwards: one for each mode. */
export interface MemorySource {
  /** Memory goes over in rounds before the dump. */
  readonly rounds?: MemoryRounds;
  /** Whether CRIU leaves the pages where they are. */
  readonly leavesPages: boolean;
  /** Gets the socket that CRIU's dump was given as its page server's. Again where a dump was put off. */
  beginDump(socket: Socket): void;
  /** CRIU asks at `post-dump`: resolves with what the target must have got by then. */
  dumped(): Promise<PageTotals>;
  /** The target asks for pages that were left. */
  give(wish: PageWish): void;
  /** Sent so far. */
  readonly pages: number;
  /** Still to be sent, where that is known. */
  readonly remainingPages: number | undefined;
  /** Nothing more leaves; a dump under way fails. */
  close(): void;
}

/** Rounds of memory while the server runs: each sends what was written since the one before. */
export interface MemoryRounds {
  /** Resolves once the target has the round whole. */
  send(round: number): Promise<PageTotals>;
  /** The target has the round that was sent last. */
  heard(): void;
  /** No more rounds; the dump that follows sends the rest, or leaves it for post-copy. */
  end(mode: MoveMode): void;
  /** For a next dump: the folder of the last round's images. */
  readonly lastFolder: string | undefined;
}

export interface MemorySourceOptions {
  host: SessionHost;
  server: string;
  container: RuncContainer;
  folders: OperationFolders;
  connection: FrameConnection;
  send(message: Message): Promise<void>;
  failed(error: Error): void;
}
