import type { Readable } from "node:stream";
import type { VirtualServer } from "@vfleet/shared";
import type { WebSocket } from "ws";
import type { User } from "./authentication.ts";

export interface ExecRequest {
  server: VirtualServer;
  /** As the client sent them: `command` (repeated), `stdin`, `stdout`, `stderr`, `tty`. */
  parameters: URLSearchParams;
  user: User;
}

export interface LogRequest {
  server: VirtualServer;
  /** As the client sent them: `follow`, `tailLines`, `timestamps`, `sinceSeconds`, `limitBytes`. */
  parameters: URLSearchParams;
  /** Aborted when the client goes. */
  signal: AbortSignal;
}

/** What goes to and from a running server through its node's agent. */
export interface GuestStreams {
  /**
   * Serves the client's socket until its end and closes it. `socket.protocol` is `v5.channel.k8s.io` or
   * `v4.channel.k8s.io`; no frame was read yet and none is lost before a listener is attached (it is paused: call
   * `resume()`). A rejection is told to the client as a Status on channel 3.
   */
  exec(request: ExecRequest, socket: WebSocket): Promise<void>;
  logs(request: LogRequest): Promise<Readable>;
}
