import type { ControllerConfig, Environment, Logger, NodeTelemetry } from "@vfleet/shared";
import { imageKind, migrationKind, nodeKind, virtualServerKind } from "@vfleet/shared";
import type { EventRecorder } from "../events/event-recorder.ts";
import type { AssignmentPush } from "../fleet/assignment-push.ts";
import type { FleetLink } from "../fleet/link.ts";
import type { FleetPresence } from "../fleet/presence.ts";
import type { FailoverMetrics } from "../metrics/failover-metrics.ts";
import type { MigrationMetrics } from "../metrics/migration-metrics.ts";
import type { Ownership } from "../ownership/ownership.ts";
import type { AddressPool, IdBlockPool } from "../scheduler/addresses.ts";
import type { FleetIndex, FleetSnapshot } from "../scheduler/fleet-index.ts";
import type { Search } from "../scheduler/search.ts";
import type { Turns } from "../scheduler/turns.ts";
import type { ObjectStore } from "../store/object-store.ts";

/** What reconcilers work with. */
export interface ReconcileContext {
  environment: Environment;
  log: Logger;
  config: Pick<ControllerConfig, "idBlocks" | "heartbeat" | "failover" | "migration">;
  store: ObjectStore;
  ownership: Ownership;
  presence: FleetPresence;
  link: FleetLink;
  assignments: AssignmentPush;
  events: EventRecorder;
  addresses: AddressPool;
  idBlocks: IdBlockPool;
  /** Follows the store; what is decided is counted in it at once, so that the next decision sees it. */
  fleet: FleetIndex;
  search: Search;
  /** Deciding on moves, which several limits count, and writing it down: one at a time. */
  placement: Turns;
  migrationMetrics: MigrationMetrics;
  failoverMetrics: FailoverMetrics;
  /** uid of a server whose node is lost: why it stays there. */
  failoverNotes: Map<string, string>;
  /** The latest of every node that was heard of lately. Rejects while they can't be read. */
  samples: () => Promise<readonly NodeTelemetry[]>;
}

export function snapshotOf(store: ObjectStore): FleetSnapshot {
  return {
    nodes: store.list(nodeKind).items,
    servers: store.list(virtualServerKind).items,
    migrations: store.list(migrationKind).items,
    images: store.list(imageKind).items,
  };
}

/** `namespace/name`, or the name alone for cluster-wide kinds: a loop's key. */
export function keyOf(object: { metadata: { namespace?: string | undefined; name: string } }): string {
  const { namespace, name } = object.metadata;
  return namespace === undefined ? name : `${namespace}/${name}`;
}

export function objectKeyOf(key: string): { namespace?: string; name: string } {
  const [first = "", second] = key.split("/");
  return second === undefined ? { name: first } : { namespace: first, name: second };
}
