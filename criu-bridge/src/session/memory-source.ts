import type { Socket } from "node:net";
import type { PageWish } from "../pages/page-service.ts";
import type { PageTotals } from "../pages/page-server.ts";
import type { FrameConnection } from "../stream/frame-connection.ts";
import type { RuncContainer } from "./ports.ts";

/** How the memory of a server gets to its target, while it is dumped and afterwards: one for each mode. */
export interface MemorySource {
  /** Whether CRIU leaves the pages where they are. */
  readonly leavesPages: boolean;
  /** Gets the socket that CRIU's dump was given as its page server's. */
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

export interface MemorySourceOptions {
  container: RuncContainer;
  imagesFolder: string;
  connection: FrameConnection;
  failed(error: Error): void;
}
