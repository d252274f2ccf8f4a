/** What a simulation runs of a controller: all of it but the API server, over a simulated store and line. */
export { type FleetControl, runFleetControl } from "./fleet-control.ts";
export { type CounterBucket, nextFirstRevision } from "./fleet/incarnation.ts";
export type { Messenger } from "./fleet/link.ts";
export { Ownership } from "./ownership/ownership.ts";
export type { OwnershipBucket, OwnershipEntry } from "./ownership/ownership-bucket.ts";
export type { RecordWrite } from "./store/durable-writer.ts";
export { fail as storeError } from "./store/errors.ts";
export { JetStreamObjectStore } from "./store/jetstream-object-store.ts";
export { Mirror, type MirrorRecord } from "./store/mirror.ts";
export type { ObjectStore } from "./store/object-store.ts";
export type { OnRecord, Records } from "./store/record-log.ts";
