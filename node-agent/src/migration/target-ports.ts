import type { TargetPorts } from "@vfleet/criu-bridge";
import { messageOf } from "@vfleet/shared";
import type { Failpoints, Logger, MoveMode, ServerAssignment } from "@vfleet/shared";
import type { Engine } from "../engine/engine.ts";
import type { Reconciler } from "../reconcile/reconciler.ts";
import type { OwnershipWord } from "./ownership-word.ts";
import { deleteSnapshots, snapshotName } from "./snapshot-name.ts";
import { imageBase } from "./source-ports.ts";

export interface TargetPortsOptions {
  engine: Engine;
  reconciler: Reconciler;
  word: OwnershipWord;
  failpoints: Failpoints;
  log: Logger;
  operation: string;
  mode: MoveMode;
  /** Under the epoch that a commit gives it. */
  server: ServerAssignment;
}

/** What the bridge needs of the host that a server comes to. */
export function targetPorts(options: TargetPortsOptions): TargetPorts {
  const { engine, reconciler, word, failpoints, log, operation, mode, server } = options;
  const { uid, epoch } = server;
  const port = { uid, ...server.network };
  let received = 0;
  // It may have come another way since, as by a takeover: what is here is its own then, and not this move's to remove.
  const isOfNode = () => reconciler.record(uid)?.assignment !== undefined;
  const removeContainer = async () => {
    if (!isOfNode()) await engine.removeContainer(uid);
  };
  let adopted: Promise<void> | undefined;
  const adopt = () => (adopted ??= reconciler.adopt(server, operation, mode === "Cold" ? "stopped" : "running"));
  return {
    container: engine.runtime.container(uid),
    server: {
      start: async () => {
        await adopt();
        failpoints.hit("migration.target.start");
        await reconciler.startMoved(uid);
      },
    },
    volume: {
      base: () => imageBase(engine, server),
      receive: (stream) => engine.volumes.receiveSnapshot(snapshotName(operation, "received", received++), stream),
      activate: async () => {
        await engine.volumes.createVolumeFromSnapshot(uid, {
          snapshot: snapshotName(operation, "received", received - 1),
          limitBytes: server.limits.diskBytes,
        });
        if (mode !== "Cold") await engine.prepareContainer(server);
      },
      release: () => deleteSnapshots(engine.volumes, operation, "received"),
      discard: async () => {
        await removeContainer();
        if (!isOfNode()) await engine.volumes.deleteVolume(uid);
        await deleteSnapshots(engine.volumes, operation, "received");
      },
    },
    network: {
      attach: async () => {
        // Its tasks don't wait for the disk: until the move has ended, an agent that is started again knows the server by it.
        adopt().catch(() => {});
        await engine.network.attach(port);
        void engine.network
          .announce(port)
          .catch((thrown: unknown) => log.warn({ server: uid, error: messageOf(thrown) }, "server not announced"));
      },
    },
    // Also where nothing of it runs: what isn't known to be here is deleted, its files too.
    settled: adopt,
    restore: (request) => engine.runtime.restore(uid, request),
    discardContainer: removeContainer,
    commit: () => word.commit({ operation, uid, epoch }),
    abort: (asked, reason) => word.abort({ operation: asked, uid, reason }),
  };
}
