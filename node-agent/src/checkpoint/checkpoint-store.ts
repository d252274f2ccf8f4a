import { rmSync } from "node:fs";
import {
  bridgeError,
  listCheckpoints,
  purgeUnfinishedCheckpoints,
  readManifest,
  removeCheckpoint,
  openCheckpoint,
  type CheckpointContent,
  type CheckpointKey,
  type CheckpointManifest,
} from "@vfleet/criu-bridge";
import { messageOf } from "@vfleet/shared";
import type { CheckpointDetails, CheckpointReport } from "@vfleet/shared";
import { z } from "zod";
import type { VolumeDriver } from "../engine/volume/volume-driver.ts";

const snapshotPrefix = "checkpoint.";
/** What is read of what the agent wrote. */
const specSchema = z.object({ uid: z.string() });

export function checkpointSnapshot(id: string): string {
  return `${snapshotPrefix}${id}`;
}

export interface HeldCheckpoint {
  uid: string;
  manifest: CheckpointManifest;
}

/** The checkpoints that this node has: manifests and images in the state folder, snapshots with the volumes. */
export class CheckpointStore {
  readonly #stateFolder: string;
  readonly #volumes: VolumeDriver;
  readonly key: CheckpointKey | undefined;
  readonly #held = new Map<string, HeldCheckpoint>();
  /** Why, by id: their manifests can't be read. */
  readonly #damaged = new Map<string, string>();

  constructor(stateFolder: string, volumes: VolumeDriver, key: CheckpointKey | undefined) {
    this.#stateFolder = stateFolder;
    this.key = key;
    this.#volumes = volumes;
  }

  /** Reads what is there and removes what is no checkpoint; returns the ids of that. */
  async open(): Promise<string[]> {
    if (this.key !== undefined) rmSync(this.key.plainFolder, { recursive: true, force: true });
    const purged = purgeUnfinishedCheckpoints(this.#stateFolder);
    const whole = listCheckpoints(this.#stateFolder);
    for (const snapshot of await this.#volumes.listSnapshots()) {
      if (!snapshot.startsWith(snapshotPrefix) || whole.includes(snapshot.slice(snapshotPrefix.length))) continue;
      await this.#volumes.deleteSnapshot(snapshot);
    }
    for (const id of whole) {
      try {
        this.add(readManifest(this.#stateFolder, id, this.key?.sealing));
      } catch (thrown) {
        this.#damaged.set(id, messageOf(thrown));
      }
    }
    return purged;
  }

  add(manifest: CheckpointManifest): void {
    this.#held.set(manifest.id, { uid: specSchema.parse(manifest.spec).uid, manifest });
  }

  has(id: string): boolean {
    return this.#held.has(id);
  }

  /** Throws `checkpoint-missing`. */
  get(id: string): HeldCheckpoint {
    const held = this.#held.get(id);
    if (held === undefined) throw bridgeError("checkpoint-missing", { checkpoint: id });
    return held;
  }

  /** Throws as `openCheckpoint`. */
  content(id: string): CheckpointContent {
    return openCheckpoint(this.#stateFolder, id, this.key);
  }

  /** Throws `checkpoint-missing`. */
  describe(id: string): CheckpointDetails {
    const { takenAt, pauseMs, memoryBytes, kept, volume, versions, spec } = this.get(id).manifest;
    const storedBytes = kept?.storedBytes ?? 0;
    return { takenAt, pauseMs, memoryBytes, storedBytes, volumeBytes: volume.bytes, versions, spec };
  }

  async remove(id: string): Promise<void> {
    this.#held.delete(id);
    this.#damaged.delete(id);
    await removeCheckpoint(this.#stateFolder, id);
    await this.#volumes.deleteSnapshot(checkpointSnapshot(id));
  }

  reports(): CheckpointReport[] {
    const held = [...this.#held.keys()].map((checkpoint) => ({ checkpoint, phase: "Ready" as const }));
    const damaged = [...this.#damaged].map(([checkpoint, message]) => ({
      checkpoint,
      phase: "Failed" as const,
      message,
    }));
    return [...held, ...damaged];
  }
}
