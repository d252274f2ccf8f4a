import type { Environment } from "@vfleet/shared";
import { Events, type NatsConnection } from "nats";
import { DurableWriter, type RecordWrite } from "../store/durable-writer.ts";

const bucket = "vfleet-ownership";
/** A request that the store doesn't answer in this time is asked again: a client may be waiting for a commit. */
const requestTimeoutMs = 1000;

export interface OwnershipEntry {
  key: string;
  revision: number;
  operation: "PUT" | "DEL" | "PURGE";
  json(): unknown;
}

/** Where the records are: a bucket of JetStream's, or a simulated one. A write that isn't answered may have happened. */
export interface OwnershipBucket {
  get(key: string): Promise<OwnershipEntry | null>;
  /** Rejects where there is one. */
  create(key: string, value: string): Promise<number>;
  /** Rejects where the newest isn't of that revision. */
  update(key: string, value: string, revision: number): Promise<number>;
  purge(key: string): Promise<void>;
  /** As `DurableWriter.write`: many at a time are synced together. */
  write(write: RecordWrite): Promise<number | undefined>;
  /** Every record, then every change; `initializedFn` when all that there was has come. */
  watch(options: { initializedFn: () => void }): Promise<AsyncIterable<OwnershipEntry> & { stop(): void }>;
  /** `again` whenever it was out of reach and is back: the watch may have ended. One at a time. */
  onReconnect(again: () => Promise<void>): void;
}

/** Makes it where there is none. */
export async function openOwnershipBucket(options: {
  connection: NatsConnection;
  environment: Environment;
  replicas: number;
}): Promise<OwnershipBucket> {
  const { connection, environment, replicas } = options;
  const jetstream = connection.jetstream({ timeout: requestTimeoutMs });
  // Read where it is written: another copy may be behind, and a commit that finds nothing there would be refused.
  const kv = await jetstream.views.kv(bucket, { history: 1, replicas, allow_direct: false });
  const writer = await DurableWriter.open({ connection, environment, bucket });
  return {
    get: (key) => kv.get(key),
    create: (key, value) => kv.create(key, value),
    update: (key, value, revision) => kv.update(key, value, revision),
    purge: (key) => kv.purge(key),
    write: (write) => writer.write(write),
    watch: (watch) => kv.watch(watch),
    onReconnect: (again) => void tellReconnects(connection, again),
  };
}

async function tellReconnects(connection: NatsConnection, again: () => Promise<void>): Promise<void> {
  for await (const status of connection.status()) if (status.type === Events.Reconnect) await again();
}
