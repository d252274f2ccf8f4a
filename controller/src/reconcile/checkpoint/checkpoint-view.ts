import type { Migration, VirtualServer } from "@vfleet/shared";
import { awaitsRestoreAnnotation, isMigrationEnded, migrationKind, virtualServerKind } from "@vfleet/shared";
import type { ReconcileContext } from "../context.ts";

export interface ServerPlace {
  namespace: string | undefined;
  name: string;
}

export interface ServerView {
  uid: string;
  node: string | undefined;
  epoch: number;
  /** To run, by its own word. */
  isWanted: boolean;
  /** It goes on from a checkpoint. */
  isSuspended: boolean;
  isRunning: boolean;
  /** Its node waits for its checkpoint. */
  isAwaiting: boolean;
  /** Restore that it begins as. */
  awaits: string | undefined;
  /** Why it has no place. */
  message: string | undefined;
  spec: VirtualServer["spec"];
  migration: string | undefined;
}

/** Name of the Restore that a server begins as; none: it is started as others are. */
function awaitedRestore({ metadata }: Pick<VirtualServer, "metadata">): string | undefined {
  return metadata.annotations?.[awaitsRestoreAnnotation];
}

/** A checkpoint's server as it is now. */
export function serverView(
  { store, ownership, presence }: Pick<ReconcileContext, "store" | "ownership" | "presence">,
  place: ServerPlace,
): ServerView | undefined {
  const server: VirtualServer | undefined = store.get(virtualServerKind, place);
  if (server === undefined || server.metadata.deletionTimestamp !== undefined) return undefined;
  const uid = server.metadata.uid ?? "";
  const owner = ownership.get(uid);
  const report = owner === undefined ? undefined : presence.serverReport(owner.node, uid);
  const active = store
    .list(migrationKind, { namespace: place.namespace })
    .items.find((migration: Migration) => migration.spec.server === place.name && !isMigrationEnded(migration));
  return {
    uid,
    node: owner?.node,
    epoch: owner?.epoch ?? 0,
    isWanted: server.spec.runStrategy === "Running",
    isSuspended: server.status?.suspended !== undefined,
    isRunning: report?.phase === "Running",
    isAwaiting: report?.reason === "AwaitingRestore" && report.epoch === owner?.epoch,
    awaits: awaitedRestore(server),
    message: server.status?.message,
    spec: server.spec,
    migration: active?.metadata.name,
  };
}
