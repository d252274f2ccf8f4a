import type { ControllerConfig, Environment, Logger } from "@vfleet/shared";
import type { ObjectStore } from "../store/object-store.ts";
import type { Admission } from "./admission.ts";
import type { GuestStreams } from "./guest-streams.ts";
import type { TelemetryReader } from "./telemetry-reader.ts";

export interface ApiServerOptions {
  environment: Environment;
  log: Logger;
  store: ObjectStore;
  config: Pick<ControllerConfig, "listen" | "tls" | "tokensFile">;
  /** Asked in order; each gets what the one before returned. */
  admission?: readonly Admission[];
  /** None: exec and log answer 503. */
  guestStreams?: GuestStreams;
  /** None: metrics answer 503. */
  telemetry?: TelemetryReader;
}

export interface ApiServer {
  /** The TCP port it listens on (the configured one, or the system's choice for 0). */
  readonly port: number;
  /** Ends watches and streams, then the listeners. */
  close(): Promise<void>;
}

/** Listens on TCP and on `listen.socket`; makes sure that the namespace `default` exists, and empties namespaces being deleted. */
export async function startApiServer(_options: ApiServerOptions): Promise<ApiServer> {
  throw new Error("not there yet");
}
