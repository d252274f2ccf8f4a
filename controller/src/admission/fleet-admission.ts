import type { ApiObject, Drain, Migration, Restore, VirtualServer } from "@vfleet/shared";
import {
  checkpointKind,
  drainKind,
  migrationKind,
  nodeKind,
  parseBytes,
  parseMilliCpu,
  restoreKind,
  virtualServerKind,
} from "@vfleet/shared";
import { fail } from "../errors.ts";
import type { Admission } from "../http/admission.ts";
import type { ServerPlace, ServerView } from "../reconcile/checkpoint/checkpoint-view.ts";
import { objectionToRestore } from "../reconcile/checkpoint/restore-step.ts";
import { endedDrainPhases } from "../reconcile/drain/drain-step.ts";
import { stoppedByAnnotation } from "../reconcile/drain/drain-view.ts";
import { releaseFinalizer } from "../reconcile/server/server-step.ts";
import { objectionToMove } from "../reconcile/migration/movability.ts";
import type { AddressPool } from "../scheduler/addresses.ts";
import type { ObjectStore } from "../store/object-store.ts";

export interface FleetAdmissionOptions {
  store: ObjectStore;
  addresses: AddressPool;
  /** As restores see it; none: there is no such server. */
  serverView: (place: ServerPlace) => ServerView | undefined;
}

/** What the fleet's state forbids to ask for. Asking later may be right, so it is refused and not stored to fail. */
export function fleetAdmission(options: FleetAdmissionOptions): Admission {
  const { store, addresses } = options;
  return (request) => {
    const { object, old, operation, subresource } = request;
    if (operation === "delete" || subresource !== undefined) return object;
    if (is(object, virtualServerKind.kind)) {
      admitServer(object as VirtualServer, old as VirtualServer | undefined, { store, addresses });
      // Here, a write less than when it is added later.
      const { metadata } = object;
      if (operation === "create")
        metadata.finalizers = [...new Set([...(metadata.finalizers ?? []), releaseFinalizer])];
    }
    if (operation === "create" && is(object, migrationKind.kind)) admitMigration(object as Migration, store);
    if (operation === "create" && is(object, drainKind.kind)) admitDrain(object as Drain, store);
    if (operation === "create" && is(object, restoreKind.kind)) admitRestore(object as Restore, options);
    return object;
  };
}

function admitRestore(restore: Restore, { store, serverView }: FleetAdmissionOptions): void {
  const { namespace } = restore.metadata;
  const checkpoint = store.get(checkpointKind, { namespace, name: restore.spec.checkpoint });
  const name = restore.spec.target?.server ?? checkpoint?.spec.server;
  const server = name === undefined ? undefined : serverView({ namespace, name });
  const reason = objectionToRestore({ restore, checkpoint, server });
  if (reason !== undefined) throw fail("restore-refused", { checkpoint: restore.spec.checkpoint, reason });
}

function admitServer(
  server: VirtualServer,
  old: VirtualServer | undefined,
  { store, addresses }: { store: ObjectStore; addresses: AddressPool },
): void {
  const name = server.metadata.name;
  const { requests, limits } = server.spec.resources;
  if (parseBytes(requests.memory) > parseBytes(limits.memory)) {
    throw fail("server-invalid", {
      server: name,
      member: "spec.resources.requests.memory",
      reason: `must be at most the limit ${limits.memory}, it is ${requests.memory}`,
    });
  }
  if (parseBytes(requests.disk) > parseBytes(limits.disk)) {
    throw fail("server-invalid", {
      server: name,
      member: "spec.resources.requests.disk",
      reason: `must be at most the limit ${limits.disk}, it is ${requests.disk}`,
    });
  }
  if (limits.cpu !== undefined && parseMilliCpu(requests.cpu) > parseMilliCpu(limits.cpu)) {
    throw fail("server-invalid", {
      server: name,
      member: "spec.resources.requests.cpu",
      reason: `must be at most the limit ${limits.cpu}, it is ${requests.cpu}`,
    });
  }
  // Whoever starts or stops it takes over from the drain that stopped it.
  if (old !== undefined && old.spec.runStrategy !== server.spec.runStrategy)
    delete server.metadata.annotations?.[stoppedByAnnotation];
  const { address } = server.spec.network;
  if (old !== undefined || address === undefined) return;
  const holder = store
    .list(virtualServerKind)
    .items.find((other) => (other.status?.address ?? other.spec.network.address) === address && !isSame(other, server));
  const taken =
    holder === undefined
      ? undefined
      : `"${address}" is taken by "${holder.metadata.namespace ?? ""}/${holder.metadata.name}"`;
  const objection = addresses.objection(address) ?? taken;
  if (objection !== undefined)
    throw fail("server-invalid", { server: name, member: "spec.network.address", reason: objection });
}

function admitMigration(migration: Migration, store: ObjectStore): void {
  const { namespace } = migration.metadata;
  const objection = objectionToMove({
    migration,
    server: store.get(virtualServerKind, { namespace, name: migration.spec.server }),
    nodes: store.list(nodeKind).items,
    migrations: store.list(migrationKind, { namespace }).items,
  });
  if (objection !== undefined)
    throw fail("migration-refused", { server: migration.spec.server, reason: objection.message });
}

function admitDrain(drain: Drain, store: ObjectStore): void {
  const { node, dryRun, bringBack } = drain.spec;
  const refusal = (reason: string) => fail(bringBack ? "bring-back-refused" : "drain-refused", { node, reason });
  if (store.get(nodeKind, { name: node }) === undefined) throw refusal("there is no such node");
  if (dryRun) return;
  const other = store
    .list(drainKind)
    .items.find(
      ({ spec, status }) =>
        spec.node === node && !spec.dryRun && !endedDrainPhases.includes(status?.phase ?? "Pending"),
    );
  if (other !== undefined && other.metadata.name !== drain.metadata.name) {
    throw refusal(`drain "${other.metadata.name}" of it has not ended`);
  }
}

function is(object: ApiObject, kind: string): boolean {
  return object.kind === kind;
}

function isSame(a: VirtualServer, b: VirtualServer): boolean {
  return a.metadata.name === b.metadata.name && a.metadata.namespace === b.metadata.namespace;
}
