import type { Migration, VirtualServer } from "@vfleet/shared";
import { isMigrationEnded, migrationKind, virtualServerKind } from "@vfleet/shared";
import type { ReconcileContext } from "../context.ts";

export interface ServerView {
  uid: string;
  node: string | undefined;
  epoch: number;
  /** To run, by its own word. */
  isWanted: boolean;
  isRunning: boolean;
  migration: string | undefined;
}

/** A checkpoint's server as it is now. */
export function serverView(
  { store, ownership, presence }: ReconcileContext,
  place: { namespace: string | undefined; name: string },
): ServerView | undefined {
  const server: VirtualServer | undefined = store.get(virtualServerKind, place);
  if (server === undefined || server.metadata.deletionTimestamp !== undefined) return undefined;
  const uid = server.metadata.uid ?? "";
  const owner = ownership.get(uid);
  const active = store
    .list(migrationKind, { namespace: place.namespace })
    .items.find((migration: Migration) => migration.spec.server === place.name && !isMigrationEnded(migration));
  return {
    uid,
    node: owner?.node,
    epoch: owner?.epoch ?? 0,
    isWanted: server.spec.runStrategy !== "Stopped",
    isRunning: owner !== undefined && presence.serverReport(owner.node, uid)?.phase === "Running",
    migration: active?.metadata.name,
  };
}
