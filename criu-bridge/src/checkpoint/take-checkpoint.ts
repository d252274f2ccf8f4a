import { copyFileSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { messageOf, Revert, timestamp, VfleetError, type HostVersions } from "@vfleet/shared";
import { checkpointArguments } from "../criu/arguments.ts";
import { lastComplaint, startInBackground, type BackgroundProgram } from "../criu/background-program.ts";
import { completeImages } from "../criu/complete-images.ts";
import { criuConfigurationText } from "../criu/configuration.ts";
import { killTasks } from "../criu/container-tasks.ts";
import { makeInitEnterable } from "../criu/enterable-init.ts";
import { freezerOf, thaw, type Freezer } from "../criu/freezer.ts";
import { GateKeeper } from "../criu/gate-keeper.ts";
import type { Gate, GateVerdict } from "../criu/gate-script.ts";
import { firstCriuError } from "../criu/log.ts";
import { rearmTimers } from "../criu/rearm-timers.ts";
import { unsettledSocket } from "../criu/unsettled-socket.ts";
import { fail } from "../errors.ts";
import { removeFolder, replaceFile } from "../session/operation-folders.ts";
import type { SessionHost } from "../session/session-options.ts";
import { dumpLimit, failedDumpLimit } from "../session/source-machine.ts";
import { sourceLimits } from "../session/source-limits.ts";
import { sourcePauseMs } from "../session/source-pause.ts";
import { Timeline, type TimelineStep } from "../session/timeline.ts";
import { CheckpointWriter } from "./checkpoint-content.ts";
import type { CheckpointManifest } from "./checkpoint-manifest.ts";
import type { TakePorts } from "./checkpoint-ports.ts";
import { makeCheckpointWork, type CheckpointWork } from "./checkpoint-work.ts";

const logName = "runc-checkpoint.log";
/** Beside the memory: what CRIU writes of files, sockets and the server's tmpfs, mostly less. */
const spareBytes = 64 << 20;

export interface TakeOptions {
  host: SessionHost;
  ports: TakePorts;
  /** Unique on this host; names its folder. */
  id: string;
  about: Pick<CheckpointManifest, "server" | "node" | "spec"> & { versions: HostVersions };
  /** Of the server, as its cgroup counts it: so much room must be there. */
  expectedMemoryBytes: number;
  /** The server is to end with it: called once the checkpoint is whole, before its tasks are killed, which stay frozen until then. */
  onEnding?: (() => Promise<void>) | undefined;
}

export interface TakenCheckpoint {
  manifest: CheckpointManifest;
  timeline: TimelineStep[];
}

/**
 * Takes a checkpoint of a running server, which runs on as soon as it is dumped, unless it is to end with it. Rejects where it can't be had: then the server runs, and
 * nothing of the checkpoint is left but logs.
 */
export async function takeCheckpoint(options: TakeOptions): Promise<TakenCheckpoint> {
  const { host, id, about } = options;
  const undo = new Revert();
  const tidyUp = new Revert();
  try {
    return await new Taking(options, undo, tidyUp).take();
  } catch (thrown) {
    if (thrown instanceof VfleetError) throw thrown;
    throw fail("checkpoint-failed", { server: about.server, reason: messageOf(thrown) }, { cause: thrown });
  } finally {
    const failures = [...(await tidyUp.revert()), ...(await undo.revert())];
    if (failures.length > 0) host.log.error({ checkpoint: id, failures }, "checkpoint not tidied up");
  }
}

class Taking {
  readonly #options: TakeOptions;
  readonly #undo: Revert;
  readonly #tidyUp: Revert;
  readonly #writer: CheckpointWriter;
  #timeline: Timeline;
  #takenAt = "";
  #snapshot = "";
  /** Of the dump under way. */
  #hasFrozen = false;
  #mayPutOff = true;
  #putOff: string | undefined;
  #failure: unknown;

  constructor(options: TakeOptions, undo: Revert, tidyUp: Revert) {
    this.#options = options;
    this.#undo = undo;
    this.#tidyUp = tidyUp;
    this.#writer = new CheckpointWriter(options.host.stateFolder, options.id, options.host.checkpointKey);
    undo.add("folder", () => this.#writer.discard());
    this.#timeline = new Timeline(options.host.environment);
  }

  async take(): Promise<TakenCheckpoint> {
    const { host, ports, id, about } = this.#options;
    const freezer = freezerOf(ports.container);
    this.#requireRoom();
    const keepsFrozen = this.#options.onEnding !== undefined;
    const work = makeCheckpointWork(host, `${id}-take`, { freezer, keepsFrozen });
    this.#tidyUp.add("run folder", () => removeFolder(work.run));
    await ports.volume.settle();
    await this.#dump(work, freezer);
    const pauseMs = sourcePauseMs(this.#timeline) ?? 0;
    const volume = { snapshot: this.#snapshot, bytes: await ports.volume.usageBytes() };
    this.#completeMembers(work);
    const manifest = await this.#timeline.measure("seal", () =>
      this.#writer.seal({ ...about, takenAt: this.#takenAt, pauseMs, volume }),
    );
    this.#undo.commit();
    if (keepsFrozen) await this.#end(freezer);
    return { manifest, timeline: this.#timeline.steps() };
  }

  async #end(freezer: Freezer | undefined): Promise<void> {
    const { ports, onEnding } = this.#options;
    try {
      await onEnding?.();
      killTasks(ports.container);
    } finally {
      if (freezer !== undefined) thaw(freezer);
    }
  }

  /** Again where something that passes by itself is in its way. */
  async #dump(work: CheckpointWork, freezer: Freezer | undefined): Promise<void> {
    const { host, ports, id, about, onEnding } = this.#options;
    const gateKeeper = new GateKeeper({
      socketPath: work.gateSocket,
      log: host.log,
      decide: (gate) => this.#decide(gate),
      pass: (passing) => this.#timeline.mark(passing),
    });
    await gateKeeper.listen();
    this.#tidyUp.add("gate", () => gateKeeper.close());
    this.#undo.add("snapshot", () => ports.volume.discard());
    if (freezer !== undefined) this.#undo.add("frozen tasks", () => thaw(freezer));
    for (let dump = 1; ; dump++) {
      this.#hasFrozen = false;
      this.#mayPutOff = dump < dumpLimit;
      this.#putOff = undefined;
      this.#timeline = new Timeline(host.environment);
      const { code } = await (await this.#start(work)).exited;
      const isDumped = code === 0 && this.#failure === undefined;
      // The script has done it by now, but may have been killed.
      if (freezer !== undefined && !(isDumped && onEnding !== undefined)) thaw(freezer);
      this.#timeline.mark("resumed");
      if (this.#failure !== undefined) throw this.#failure;
      if (code === 0) return;
      const complaint = firstCriuError(join(work.work, "dump.log")) ?? lastComplaint(join(work.work, logName));
      const reason = this.#putOff ?? (this.#hasFrozen || dump >= failedDumpLimit ? undefined : complaint);
      if (reason === undefined) throw fail("checkpoint-failed", { server: about.server, reason: complaint });
      host.log.info({ checkpoint: id, dump, reason }, "dump put off");
      await host.environment.sleep(sourceLimits.settleMs);
    }
  }

  #start(work: CheckpointWork): Promise<BackgroundProgram> {
    const { host, ports } = this.#options;
    this.#writer.makeImagesFolder();
    const { container } = ports;
    replaceFile(
      container.criuConfigPath,
      criuConfigurationText({ gateScript: work.gateScript, closesConnections: true }),
    );
    const folders = { imagesFolder: this.#writer.folder.images, workFolder: work.work };
    return startInBackground({
      program: host.programs.runc,
      arguments: checkpointArguments({ container, ...folders, leavesRunning: true }),
      logFile: join(work.work, logName),
      searchPath: host.searchPath,
    });
  }

  async #decide(gate: Gate): Promise<GateVerdict> {
    const { host, ports } = this.#options;
    if (gate === "network-lock") {
      this.#hasFrozen = true;
      this.#timeline.mark("frozen");
      this.#takenAt = timestamp(host.environment);
      // What can't be looked at is left to CRIU, and so is what doesn't pass.
      const unsettled = await unsettledSocket(ports.container, host.searchPath).catch(() => undefined);
      if (unsettled === undefined || !this.#mayPutOff) return "go";
      this.#putOff = unsettled;
      return "no";
    }
    if (gate !== "post-dump") return "go";
    this.#timeline.mark("dumped");
    try {
      await host.failpoints.reach("checkpoint.take.post-dump");
      completeImages(this.#writer.folder.images, ports.container);
      // Not beside the dump, as a move has it: only now are the names there that CRIU gives to open files without one.
      this.#snapshot = await this.#timeline.measure("snapshot", () => ports.volume.snapshot());
      return "go";
    } catch (thrown) {
      this.#failure = thrown;
      return "no";
    }
  }

  /** The images as a restore wants them: it changes none, so their digests stay true. */
  #completeMembers(work: CheckpointWork): void {
    const { images, runtimeSpec, statistics } = this.#writer.folder;
    rearmTimers(images);
    makeInitEnterable(images);
    copyFileSync(join(this.#options.ports.container.bundle, "config.json"), runtimeSpec);
    copyFileSync(join(work.work, "stats-dump"), statistics);
  }

  #requireRoom(): void {
    const { about, expectedMemoryBytes } = this.#options;
    const { folder } = this.#writer.folder;
    const { bavail, bsize } = statfsSync(folder);
    const [wantedBytes, freeBytes] = [expectedMemoryBytes + spareBytes, bavail * bsize];
    if (freeBytes < wantedBytes)
      throw fail("checkpoint-no-room", { server: about.server, folder, wantedBytes, freeBytes });
  }
}
