import type { Environment, Logger } from "@vfleet/shared";
import type { NatsConnection } from "nats";
import { JetStreamObjectStore } from "./jetstream-object-store.ts";
import { Mirror } from "./mirror.ts";
import type { ObjectStore } from "./object-store.ts";
import { RecordLog } from "./record-log.ts";

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
export async function startObjectStore(options: ObjectStoreOptions): Promise<ObjectStore> {
  const { environment, log } = options;
  const records = await RecordLog.open({ ...options, bucket: options.bucket ?? "vfleet-objects" });
  const store = new JetStreamObjectStore({ records, mirror: new Mirror(), environment, log });
  await store.fill();
  return store;
}
