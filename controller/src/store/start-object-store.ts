import type { Environment, Logger } from "@vfleet/shared";
import type { NatsConnection } from "nats";
import type { ObjectStore } from "./object-store.ts";

export interface ObjectStoreOptions {
  connection: NatsConnection;
  environment: Environment;
  log: Logger;
  /** Default `vfleet-objects`. */
  bucket?: string;
  /** Copies of each record. */
  replicas: number;
}

/** Makes the bucket where there is none, fills the mirror, and resolves when reads are current. */
export async function startObjectStore(_options: ObjectStoreOptions): Promise<ObjectStore> {
  throw new Error("not there yet");
}
