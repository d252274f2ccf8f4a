import { join } from "node:path";
import { removeFolder, replaceFile } from "../session/operation-folders.ts";
import { messageOf, Revert, VfleetError } from "@vfleet/shared";
import { killTasks } from "../criu/container-tasks.ts";
import { criuConfigurationText } from "../criu/configuration.ts";
import { GateKeeper } from "../criu/gate-keeper.ts";
import type { Gate, GateVerdict } from "../criu/gate-script.ts";
import { fail } from "../errors.ts";
import { Filling } from "../session/filling.ts";
import type { SessionHost } from "../session/session-options.ts";
import { TargetRestore } from "../session/target-restore.ts";
import { Timeline, type TimelineStep } from "../session/timeline.ts";
import { adaptImages, type Adaptation } from "./adapt-images.ts";
import { openCheckpoint, type CheckpointContent } from "./checkpoint-content.ts";
import type { CheckpointManifest } from "./checkpoint-manifest.ts";
import type { RestorePorts } from "./checkpoint-ports.ts";
import type { ChunkPlace } from "./kept/checkpoint-pages.ts";
import { makeCheckpointWork, type CheckpointWork } from "./checkpoint-work.ts";

export interface RestoreOptions {
  host: SessionHost;
  ports: RestorePorts;
  id: string;
  /** The server in whose place it is restored, for messages. */
  server: string;
  /** Of another server than the checkpoint's. */
  adaptation?: Adaptation | undefined;
  /** Unique: one checkpoint may be restored often. */
  operation: string;
  /** The server runs; its memory is still being filled. */
  onRunning?(): void;
}

export interface RestoredCheckpoint {
  manifest: CheckpointManifest;
  /** From the stop of what ran before until its tasks run. */
  pauseMs: number;
  timeline: TimelineStep[];
}

/**
 * Restores a checkpoint in its server's place: what runs of the server is ended first, but only once the checkpoint is known to be whole.
 * Resolves when all memory is in its place. Rejects where it can't be restored: then nothing of the server runs, and its volume is what it was.
 */
export async function restoreCheckpoint(options: RestoreOptions): Promise<RestoredCheckpoint> {
  const { host, id, server } = options;
  const undo = new Revert();
  const tidyUp = new Revert();
  try {
    return await new Restoring(options, undo, tidyUp).restore();
  } catch (thrown) {
    if (thrown instanceof VfleetError) throw thrown;
    throw fail("restore-failed", { server, reason: messageOf(thrown) }, { cause: thrown });
  } finally {
    const failures = [...(await undo.revert()), ...(await tidyUp.revert())];
    if (failures.length > 0) host.log.error({ checkpoint: id, failures }, "restore not tidied up");
  }
}

class Restoring {
  readonly #options: RestoreOptions;
  readonly #undo: Revert;
  readonly #tidyUp: Revert;
  readonly #timeline: Timeline;

  constructor(options: RestoreOptions, undo: Revert, tidyUp: Revert) {
    this.#options = options;
    this.#undo = undo;
    this.#tidyUp = tidyUp;
    this.#timeline = new Timeline(options.host.environment);
  }

  async restore(): Promise<RestoredCheckpoint> {
    const { host, ports, id, operation } = this.#options;
    const content = openCheckpoint(host.stateFolder, id, host.checkpointKey);
    const { manifest } = content;
    await this.#timeline.measure("check", () => content.check());
    const work = makeCheckpointWork(host, `${operation}-restore`);
    this.#tidyUp.add("run folder", () => removeFolder(work.run));
    const { images, pages } = await this.#timeline.measure("images", () => this.#images(content, work));
    const gateKeeper = new GateKeeper({
      socketPath: work.gateSocket,
      log: host.log,
      decide: (gate) => this.#decide(gate),
      pass: (passing) => {
        if (passing === "pre-resume") this.#run();
      },
    });
    await gateKeeper.listen();
    this.#tidyUp.add("gate", () => gateKeeper.close());
    const folders = { images, ...work };
    // Its start takes a while: while the server still runs.
    const filling = new Filling(host, folders, pages);
    this.#tidyUp.add("filling", () => filling.close());
    await this.#timeline.measure("stop", () => ports.stop());
    this.#undo.add("volume", () => ports.volume.putBack());
    await this.#timeline.measure("volume", () => ports.volume.replace(manifest.volume.snapshot));
    const { criuConfigPath } = ports.container;
    replaceFile(criuConfigPath, criuConfigurationText({ gateScript: work.gateScript, closesConnections: true }));
    this.#undo.add("container", () => ports.discardContainer());
    await this.#restoreTasks(folders, filling);
    this.#undo.commit();
    this.#tidyUp.add("earlier volume", () => ports.volume.release());
    const pauseMs = Math.round(this.#timeline.betweenMs("stop", "running") ?? 0);
    return { manifest, pauseMs, timeline: this.#timeline.steps() };
  }

  async #images(content: CheckpointContent, work: CheckpointWork): Promise<{ images: string; pages: ChunkPlace }> {
    const { adaptation } = this.#options;
    const images = join(work.run, "images");
    const pages = await content.layImages(images);
    if (adaptation === undefined) return { images, pages };
    const adapted = join(work.run, "adapted-images");
    adaptImages(images, adapted, adaptation);
    return { images: adapted, pages };
  }

  async #restoreTasks(folders: CheckpointWork & { images: string }, filling: Filling) {
    const { host, ports, id, server } = this.#options;
    const restore = new TargetRestore({
      host,
      identity: { server },
      ports,
      run: {
        folders,
        timeline: this.#timeline,
        // A next agent finds the server running, or not.
        save: () => {},
        log: (event, thrown) => host.log.error({ checkpoint: id, error: messageOf(thrown) }, event),
      },
      memory: { startFilling: () => filling.begin("checkpoint") },
    });
    await restore.restore();
    this.#run();
    try {
      await restore.filled();
    } catch (thrown) {
      killTasks(ports.container);
      restore.endFilling();
      throw thrown;
    }
  }

  async #decide(gate: Gate): Promise<GateVerdict> {
    if (gate !== "post-restore") return "go";
    const { host, ports, id } = this.#options;
    this.#timeline.mark("restored");
    try {
      await host.failpoints.reach("checkpoint.restore.post-restore");
      await this.#timeline.measure("attach", () => ports.attach());
      return "go";
    } catch (thrown) {
      host.log.error({ checkpoint: id, error: messageOf(thrown) }, "restore refused");
      return "no";
    }
  }

  /** Told by CRIU without waiting, so maybe late. */
  #run(): void {
    if (this.#timeline.at("running") !== undefined) return;
    this.#timeline.mark("running");
    this.#options.onRunning?.();
  }
}
