import type { RestorePorts, TakePorts } from "@vfleet/criu-bridge";
import { messageOf } from "@vfleet/shared";
import type { Logger, ServerAssignment } from "@vfleet/shared";
import type { Engine } from "../engine/engine.ts";
import { runProgram } from "../engine/program/run-program.ts";
import type { Reconciler } from "../reconcile/reconciler.ts";
import { checkpointSnapshot } from "./checkpoint-store.ts";

const asidePrefix = "aside.";

/** What the bridge needs to take a checkpoint. */
export function takePorts(engine: Engine, uid: string, id: string): TakePorts {
  const { volumes } = engine;
  const snapshot = checkpointSnapshot(id);
  return {
    container: engine.runtime.container(uid),
    volume: {
      settle: async () => void (await runProgram(["sync", "--file-system", volumes.volumeFolder(uid)])),
      snapshot: async () => {
        await volumes.takeSnapshot(uid, snapshot);
        return snapshot;
      },
      usageBytes: () => volumes.volumeUsageBytes(uid),
      discard: () => volumes.deleteSnapshot(snapshot),
    },
  };
}

export interface RestorePortsOptions {
  engine: Engine;
  reconciler: Reconciler;
  log: Logger;
  operation: string;
  server: ServerAssignment;
}

/** What the bridge needs to restore one in its server's place. */
export function restorePorts({ engine, reconciler, log, operation, server }: RestorePortsOptions): RestorePorts {
  const { uid, limits, network } = server;
  const { volumes } = engine;
  const limitBytes = limits.diskBytes;
  const port = { uid, ...network };
  let isNew = false;
  return {
    container: engine.runtime.container(uid),
    stop: () => reconciler.endToRestore(uid),
    volume: {
      replace: async (snapshot) => {
        if (await volumes.hasVolume(uid)) {
          await volumes.takeSnapshot(uid, asideName(operation));
          await volumes.deleteVolume(uid);
        } else isNew = true;
        await volumes.createVolumeFromSnapshot(uid, { snapshot, limitBytes });
        await engine.network.prepare(port);
        await engine.prepareContainer(server);
      },
      putBack: async () => {
        await putBackVolume(engine, { uid, operation, limitBytes });
        if (isNew) await volumes.deleteVolume(uid);
      },
      // The record first: an agent that finds it undone brings back what was kept.
      release: async () => {
        await reconciler.endRestore(uid, "restored");
        await volumes.deleteSnapshot(asideName(operation));
      },
    },
    restore: (request) => engine.runtime.restore(uid, request),
    discardContainer: () => engine.removeContainer(uid),
    attach: async () => {
      if (server.isIsolated) return;
      await engine.network.attach(port);
      void engine.network
        .announce(port)
        .catch((thrown: unknown) => log.warn({ server: uid, error: messageOf(thrown) }, "server not announced"));
    },
  };
}

/** The volume is again what it was before the restore. Repeating it changes nothing. */
export async function putBackVolume(
  engine: Engine,
  { uid, operation, limitBytes }: { uid: string; operation: string; limitBytes: number },
): Promise<void> {
  const { volumes } = engine;
  const aside = asideName(operation);
  // It has the volume mounted.
  await engine.removeContainer(uid);
  if (!(await volumes.listSnapshots()).includes(aside)) return;
  await volumes.deleteVolume(uid);
  await volumes.createVolumeFromSnapshot(uid, { snapshot: aside, limitBytes });
  await volumes.deleteSnapshot(aside);
}

/** Of restores that have ended. */
export async function deleteAsideSnapshots({ volumes }: Engine): Promise<void> {
  for (const name of await volumes.listSnapshots())
    if (name.startsWith(asidePrefix)) await volumes.deleteSnapshot(name);
}

function asideName(operation: string): string {
  return `${asidePrefix}${operation}`;
}
