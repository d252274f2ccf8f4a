import type { Readable } from "node:stream";
import { messageOf } from "@vfleet/shared";
import type { CheckpointReport, OfferCheckpoint, PullCheckpoint } from "@vfleet/shared";
import { agentError } from "../agent-error.ts";
import type { CheckpointParts } from "../agent.ts";
import { decompressProgram, openPeerStream } from "../engine/image/image-stream.ts";
import { packCheckpoint } from "./archive/pack-checkpoint.ts";
import { unpackCheckpoint } from "./archive/unpack-checkpoint.ts";
import { checkpointSnapshot, type CheckpointStore } from "./checkpoint-store.ts";

/** A copy that takes no longer to be asked for than this. */
const offerMs = 60_000;
const controllerName = "controller";

/** Checkpoints that leave this host, and that come to it. */
export class CheckpointCopies {
  readonly #parts: CheckpointParts;
  readonly #store: CheckpointStore;
  /** Until when, by checkpoint and peer; monotonic. */
  readonly #offers = new Map<string, number>();
  readonly #coming = new Map<string, Promise<void>>();
  readonly #failures = new Map<string, string>();

  constructor(parts: CheckpointParts, store: CheckpointStore) {
    this.#parts = parts;
    this.#store = store;
  }

  offer({ checkpoint, to }: OfferCheckpoint): void {
    this.#store.get(checkpoint);
    const nowMs = this.#parts.environment.monotonicMs();
    for (const [offer, untilMs] of this.#offers) if (untilMs < nowMs) this.#offers.delete(offer);
    this.#offers.set(offerKey(checkpoint, `node:${to}`), nowMs + offerMs);
  }

  send(id: string, peer: string): Readable {
    const { engine, environment } = this.#parts;
    const offer = offerKey(id, peer);
    const isOffered = (this.#offers.get(offer) ?? 0) >= environment.monotonicMs();
    if (peer !== controllerName && !isOffered) throw agentError("checkpoint-not-offered", { checkpoint: id, peer });
    this.#offers.delete(offer);
    this.#store.get(id);
    return packCheckpoint(this.#store.content(id), engine.volumes.sendSnapshot(checkpointSnapshot(id)));
  }

  /** Every digest; throws `checkpoint-damaged`. */
  async verify(id: string): Promise<void> {
    this.#store.get(id);
    await this.#store.content(id).verify();
  }

  /** Accepted; how it ends is reported. */
  pull({ checkpoint, from }: PullCheckpoint): void {
    const { config, engine, log, onChange } = this.#parts;
    if (this.#store.has(checkpoint) || this.#coming.has(checkpoint)) return;
    const pulled = async () => {
      const archive = await openPeerStream(config.tls, from, `/checkpoints/${encodeURIComponent(checkpoint)}`);
      await this.#keep(checkpoint, archive, {
        expectedId: checkpoint,
        receiveVolume: (stream) => engine.volumes.receiveSnapshot(checkpointSnapshot(checkpoint), stream),
      });
    };
    void this.#begin(checkpoint, pulled)
      .then(() => log.info({ checkpoint, from: from.node }, "checkpoint copied"))
      .catch((thrown: unknown) => {
        log.warn({ checkpoint, from: from.node, err: thrown }, "checkpoint not copied");
        this.#failures.set(checkpoint, messageOf(thrown));
      })
      .finally(onChange);
    onChange();
  }

  /** Of anybody's: nothing in it is trusted. */
  async receive(id: string, archive: Readable): Promise<void> {
    const { volumes } = this.#parts.engine;
    if (this.#store.has(id) || this.#coming.has(id))
      throw agentError("checkpoint-in-use", { checkpoint: id, by: "kept" });
    const received = this.#begin(id, () =>
      this.#keep(id, decompressProgram(archive), {
        receiveVolume: (stream) => volumes.importSnapshot(checkpointSnapshot(id), stream),
      }),
    );
    this.#parts.onChange();
    await received.finally(this.#parts.onChange);
  }

  /** It is to be deleted: nothing more of it comes. */
  async forget(id: string): Promise<void> {
    if (this.#coming.has(id)) throw agentError("checkpoint-in-use", { checkpoint: id, by: "copied" });
    this.#failures.delete(id);
  }

  reports(): CheckpointReport[] {
    const failed = [...this.#failures].map(([checkpoint, message]) => ({
      checkpoint,
      phase: "Failed" as const,
      message,
    }));
    return [...[...this.#coming.keys()].map((checkpoint) => ({ checkpoint, phase: "Copying" as const })), ...failed];
  }

  #begin(id: string, work: () => Promise<void>): Promise<void> {
    this.#failures.delete(id);
    const working = work().finally(() => this.#coming.delete(id));
    this.#coming.set(id, working);
    return working;
  }

  async #keep(
    id: string,
    archive: Readable,
    from: { expectedId?: string; receiveVolume: (stream: Readable) => Promise<void> },
  ): Promise<void> {
    const { config, engine } = this.#parts;
    const snapshot = checkpointSnapshot(id);
    // Of an earlier try.
    await engine.volumes.deleteSnapshot(snapshot);
    try {
      const { stateFolder, volumesFolder } = config;
      const { key } = this.#store;
      this.#store.add(await unpackCheckpoint(archive, { ...from, stateFolder, volumesFolder, id, snapshot, key }));
    } catch (thrown) {
      await engine.volumes.deleteSnapshot(snapshot);
      throw thrown;
    }
  }
}

function offerKey(checkpoint: string, peer: string): string {
  return `${checkpoint} ${peer}`;
}
