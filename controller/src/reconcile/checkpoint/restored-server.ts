import type { Checkpoint, Restore, VirtualServer } from "@vfleet/shared";
import { awaitsRestoreAnnotation, isolatedAnnotation, restoreNodeAnnotation, virtualServerKind } from "@vfleet/shared";

/** A new server with the checkpoint's spec. Its host name is in the memory that it begins with. */
export function restoredServer(restore: Restore, checkpoint: Checkpoint, node: string): VirtualServer | undefined {
  const { serverSpec } = checkpoint.status ?? {};
  const name = restore.spec.target?.server;
  if (serverSpec === undefined || name === undefined) return undefined;
  return virtualServerKind.schema.parse({
    apiVersion: "vfleet.dev/v1",
    kind: "VirtualServer",
    metadata: {
      name,
      namespace: restore.metadata.namespace,
      annotations: {
        [awaitsRestoreAnnotation]: restore.metadata.name,
        [restoreNodeAnnotation]: node,
        ...(restore.spec.target?.isolated === true ? { [isolatedAnnotation]: "" } : {}),
      },
    },
    spec: {
      ...serverSpec,
      runStrategy: "Running",
      network: {},
      hostname: serverSpec.hostname ?? checkpoint.spec.server,
    },
  });
}

/** It is a server like any other. */
export function settle(server: VirtualServer): void {
  delete server.metadata.annotations?.[awaitsRestoreAnnotation];
  delete server.metadata.annotations?.[restoreNodeAnnotation];
}
