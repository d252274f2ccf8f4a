import type { Outcome, SourcePorts } from "@vfleet/criu-bridge";
import { codeOf } from "@vfleet/shared";
import type { ServerAssignment } from "@vfleet/shared";
import type { Engine } from "../engine/engine.ts";
import type { SendBase } from "../engine/volume/volume-driver.ts";
import type { Reconciler } from "../reconcile/reconciler.ts";
import type { OwnershipWord } from "./ownership-word.ts";
import { deleteSnapshots, snapshotName } from "./snapshot-name.ts";

export interface SourcePortsOptions {
  engine: Engine;
  reconciler: Reconciler;
  word: OwnershipWord;
  operation: string;
  server: ServerAssignment;
}

/** What the bridge needs of the host that a server leaves. */
export function sourcePorts({ engine, reconciler, word, operation, server }: SourcePortsOptions): SourcePorts {
  const { uid } = server;
  let last: SendBase | undefined;
  let count = 0;
  let sending: Promise<unknown> = Promise.resolve();
  const track = <T>(work: Promise<T>): Promise<T> => {
    sending = work;
    return work;
  };
  const send = async () => {
    const snapshot = snapshotName(operation, "sent", count++);
    await engine.volumes.takeSnapshot(uid, snapshot);
    const base = last;
    last = { snapshot };
    return engine.volumes.sendSnapshot(snapshot, base);
  };
  const sendAgainst = async (round: number, targetHas: string | undefined) => {
    if (round === 0 && targetHas !== undefined && targetHas === (await imageBase(engine, server)))
      last = { image: server.image.digest };
    return send();
  };
  const isReleased = () => reconciler.record(uid)?.assignment === undefined;
  // Of a server that was deleted no record knows the move any more: it is nobody's, and here it must end.
  const decided = (word: Promise<Outcome>): Promise<Outcome> =>
    word.catch((thrown: unknown) => {
      if (codeOf(thrown) === "operation-unknown" && isReleased()) return "committed";
      throw thrown;
    });
  return {
    container: engine.runtime.container(uid),
    server: {
      stop: () => reconciler.stopToMove(uid),
      startAgain: () => reconciler.startAgain(uid),
    },
    volume: {
      sendRound: (round, targetHas) => track(sendAgainst(round, targetHas)),
      sendFrozen: () => track(send()),
      release: async () => {
        // A snapshot that is being taken would come after.
        await sending.catch(() => undefined);
        await deleteSnapshots(engine.volumes, operation, "sent");
      },
    },
    network: {
      isolate: () => engine.network.detach({ uid }),
      rejoin: () => engine.network.attach({ uid, ...server.network }),
    },
    outcome: (asked) => decided(word.outcome(asked)),
    abort: (asked, reason) => decided(word.abort({ operation: asked, uid, reason })),
  };
}

/**
 * Names a server's image where both hosts hold the very same copy of it: btrfs sends a difference only against a subvolume of the same
 * lineage, and an image that two hosts have built apart has the same digest but not that.
 */
export async function imageBase(engine: Engine, { image }: ServerAssignment): Promise<string | undefined> {
  if (image.digest === "" || !(await engine.volumes.hasImage(image.digest))) return undefined;
  const lineage = await engine.volumes.imageLineage(image.digest);
  return lineage === undefined ? undefined : `${image.digest} ${lineage}`;
}
