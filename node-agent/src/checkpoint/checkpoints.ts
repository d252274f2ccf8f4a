import { pruneOperations, restoreCheckpoint, takeCheckpoint, thawTasks, type SessionHost } from "@vfleet/criu-bridge";
import { messageOf } from "@vfleet/shared";
import type {
  CheckpointDetails,
  CheckpointReport,
  DeleteCheckpoint,
  DescribeCheckpoint,
  NodeReport,
  OfferCheckpoint,
  PullCheckpoint,
  RestoreCheckpoint,
  RestoreReport,
  ServerAssignment,
  TakeCheckpoint,
} from "@vfleet/shared";
import type { Readable } from "node:stream";
import { adaptationOf } from "./adaptation.ts";
import { CheckpointCopies } from "./checkpoint-copies.ts";
import { agentError } from "../agent-error.ts";
import type { CheckpointParts } from "../agent.ts";
import { readCgroupUsage } from "../engine/limits/cgroup-usage.ts";
import { processCgroup } from "../engine/limits/process-cgroup.ts";
import { readMigratability } from "../engine/runtime/migratability.ts";
import type { CheckpointSessions } from "../link/checkpoint-sessions.ts";
import { requireCompatible } from "../migration/host-compatibility.ts";
import { sessionHost } from "../migration/session-host.ts";
import { checkpointKeyOf } from "./checkpoint-key-of.ts";
import { deleteAsideSnapshots, putBackVolume, restorePorts, takePorts } from "./checkpoint-ports.ts";
import { CheckpointStore } from "./checkpoint-store.ts";

/** Ends that are told, of each kind: the controller has seen them long before. */
const rememberedEnds = 64;

interface Work {
  checkpoint: string;
  what: "taken" | "restored";
}

/** Checkpoints of this node's servers: commands of the controller to the bridge, and what came of them into the node's report. */
export class Checkpoints implements CheckpointSessions {
  readonly #parts: CheckpointParts;
  readonly #host: SessionHost;
  readonly #store: CheckpointStore;
  readonly #copies: CheckpointCopies;
  /** By uid of the server. */
  readonly #work = new Map<string, Work>();
  readonly #failures = new Map<string, CheckpointReport>();
  readonly #restores = new Map<string, RestoreReport>();

  constructor(parts: CheckpointParts) {
    this.#parts = parts;
    const checkpointKey = checkpointKeyOf(parts.config);
    this.#host = { ...sessionHost(parts, "checkpoint"), checkpointKey };
    this.#store = new CheckpointStore(parts.config.stateFolder, parts.engine.volumes, checkpointKey);
    this.#copies = new CheckpointCopies(parts, this.#store);
  }

  async recover(): Promise<void> {
    const { engine, reconciler, log } = this.#parts;
    const purged = await this.#store.open();
    if (purged.length > 0) log.info({ purged }, "checkpoints that were not finished removed");
    for (const { uid, operation } of reconciler.restoring()) {
      const limitBytes = reconciler.record(uid)?.assignment?.limits.diskBytes;
      if (limitBytes !== undefined) await putBackVolume(engine, { uid, operation, limitBytes });
      await reconciler.endRestore(uid, "failed");
      log.info({ server: uid, restore: operation }, "restore of an earlier agent undone");
    }
    await deleteAsideSnapshots(engine);
    for (const { uid, checkpoint } of reconciler.suspending()) await this.#endSuspension(uid, checkpoint);
  }

  /** Of an earlier agent, which may have left the tasks frozen. */
  async #endSuspension(uid: string, checkpoint: string): Promise<void> {
    const { engine, reconciler, log } = this.#parts;
    const isWhole = this.#store.has(checkpoint);
    await reconciler.endSuspension(uid, isWhole ? "suspended" : "failed");
    if (isWhole) await engine.removeContainer(uid);
    else thawTasks(engine.runtime.container(uid));
    log.info({ server: uid, checkpoint, isWhole }, "suspension by an earlier agent ended");
  }

  requireFree(uid: string): void {
    const work = this.#work.get(uid);
    if (work !== undefined) throw agentError("checkpoint-under-way", { uid, what: work.what });
  }

  async take({ checkpoint, uid, epoch, stops }: TakeCheckpoint): Promise<void> {
    const isKnown = this.#store.has(checkpoint) || this.#failures.has(checkpoint);
    if (isKnown || this.#work.get(uid)?.checkpoint === checkpoint) return;
    const refused = (reason: string) => agentError("checkpoint-refused", { uid, reason });
    const server = this.#assigned(uid, epoch);
    this.#requireIdle(uid, refused);
    await this.#begin(uid, { checkpoint, what: "taken" }, async () => {
      await this.#requireDumpable(uid, refused);
      return () => this.#take(server, checkpoint, stops);
    });
  }

  async restore(request: RestoreCheckpoint): Promise<void> {
    const { operation, checkpoint, uid, epoch, replace } = request;
    if (this.#restores.has(operation)) return;
    const refused = (reason: string) => agentError("checkpoint-restore-refused", { checkpoint, reason });
    const { engine, reconciler, versions } = this.#parts;
    const server = this.#assigned(uid, epoch);
    this.#requireIdle(uid, refused);
    const held = this.#store.get(checkpoint);
    if (held.uid !== uid && !server.awaitsRestore) throw refused("it is another server's");
    if (!server.run) throw refused("the server is to be stopped");
    requireCompatible(held.manifest.versions, versions, "StopAndCopy");
    await this.#begin(uid, { checkpoint, what: "restored" }, async () => {
      const { state } = await engine.runtime.inspect(uid);
      if (state === "running" && !replace) throw refused("the server runs, and may not be replaced");
      await reconciler.beginRestore(uid, operation);
      return () => this.#restore(server, request);
    });
  }

  async delete({ checkpoint }: DeleteCheckpoint): Promise<void> {
    const work = [...this.#work.values()].find((other) => other.checkpoint === checkpoint);
    if (work !== undefined) throw agentError("checkpoint-in-use", { checkpoint, by: work.what });
    this.#failures.delete(checkpoint);
    await this.#copies.forget(checkpoint);
    await this.#store.remove(checkpoint);
    this.#parts.onChange();
  }

  describe({ checkpoint }: DescribeCheckpoint): CheckpointDetails {
    return this.#store.describe(checkpoint);
  }

  offer(request: OfferCheckpoint): void {
    this.#copies.offer(request);
  }

  pull(request: PullCheckpoint): void {
    this.#copies.pull(request);
  }

  send(id: string, peer: string): Readable {
    return this.#copies.send(id, peer);
  }

  verify(id: string): Promise<void> {
    return this.#copies.verify(id);
  }

  async receive(id: string, archive: Readable): Promise<CheckpointDetails> {
    await this.#copies.receive(id, archive);
    return this.#store.describe(id);
  }

  reports(): Pick<NodeReport, "checkpoints" | "restores"> {
    const taking = [...this.#work.values()].flatMap(({ checkpoint, what }) =>
      what === "taken" ? [{ checkpoint, phase: "Taking" as const }] : [],
    );
    return {
      checkpoints: [...this.#store.reports(), ...this.#copies.reports(), ...this.#failures.values(), ...taking],
      restores: [...this.#restores.values()],
    };
  }

  /** What is refused leaves nothing; what is accepted goes on by itself. */
  async #begin(uid: string, work: Work, accept: () => Promise<() => Promise<void>>): Promise<void> {
    const { onChange } = this.#parts;
    this.#work.set(uid, work);
    try {
      const run = await accept();
      void run().finally(() => {
        this.#work.delete(uid);
        pruneOperations(this.#host);
        onChange();
      });
    } catch (thrown) {
      this.#work.delete(uid);
      throw thrown;
    }
    onChange();
  }

  async #take(server: ServerAssignment, checkpoint: string, stops: boolean): Promise<void> {
    const { config, engine, reconciler, versions } = this.#parts;
    const { uid, namespace, name } = server;
    const { log } = this.#host;
    try {
      if (stops) await reconciler.beginSuspension(uid, checkpoint);
      const usage = await readCgroupUsage(`${config.cgroupParent}/${uid}`);
      const { manifest, timeline } = await takeCheckpoint({
        host: this.#host,
        ports: takePorts(engine, uid, checkpoint),
        id: checkpoint,
        about: { server: `${namespace}/${name}`, node: config.node, spec: { ...server }, versions },
        expectedMemoryBytes: usage?.memoryBytes ?? 0,
        onEnding: stops ? () => reconciler.endSuspension(uid, "suspended") : undefined,
      });
      this.#store.add(manifest);
      log.info({ checkpoint, server: uid, pauseMs: manifest.pauseMs, timeline }, "checkpoint taken");
    } catch (thrown) {
      log.warn({ checkpoint, server: uid, err: thrown }, "checkpoint not taken");
      remember(this.#failures, checkpoint, { checkpoint, phase: "Failed", message: messageOf(thrown) });
      await reconciler
        .endSuspension(uid, "failed")
        .catch((cause: unknown) => log.error({ server: uid, err: cause }, "record not written"));
    }
  }

  async #restore(server: ServerAssignment, { operation, checkpoint, uid }: RestoreCheckpoint): Promise<void> {
    const { engine, reconciler } = this.#parts;
    const { log } = this.#host;
    const report = { operation, checkpoint, uid };
    remember(this.#restores, operation, { ...report, phase: "Restoring" });
    try {
      const { pauseMs, timeline } = await restoreCheckpoint({
        host: this.#host,
        ports: restorePorts({ engine, reconciler, log, operation, server }),
        id: checkpoint,
        adaptation: adaptationOf(this.#store.get(checkpoint).manifest, server),
        server: `${server.namespace}/${server.name}`,
        operation,
      });
      await reconciler.endRestore(uid, "restored");
      log.info({ checkpoint, server: uid, pauseMs, timeline }, "checkpoint restored");
      this.#restores.set(operation, { ...report, phase: "Succeeded", pauseMs });
    } catch (thrown) {
      log.warn({ checkpoint, server: uid, err: thrown }, "checkpoint not restored");
      this.#restores.set(operation, { ...report, phase: "Failed", message: messageOf(thrown) });
      await reconciler
        .endRestore(uid, "failed")
        .catch((cause: unknown) => log.error({ server: uid, err: cause }, "record not written"));
    }
  }

  #assigned(uid: string, epoch: number): ServerAssignment {
    const server = this.#parts.reconciler.assigned(uid);
    if (server.epoch !== epoch) throw agentError("epoch-stale", { uid, epoch, highest: server.epoch });
    return server;
  }

  #requireIdle(uid: string, refused: (reason: string) => Error): void {
    const work = this.#work.get(uid);
    if (work !== undefined) throw refused(`checkpoint "${work.checkpoint}" is being ${work.what}`);
    const isHeld = this.#parts.reconciler.record(uid)?.heldBy !== undefined;
    if (isHeld || this.#parts.isMigrating(uid)) throw refused("it is being moved");
  }

  /** As a move is refused: before the server is frozen. */
  async #requireDumpable(uid: string, refused: (reason: string) => Error): Promise<void> {
    const { config, engine } = this.#parts;
    const container = await engine.runtime.inspect(uid);
    if (container.state !== "running") throw refused("it does not run");
    const seen = await readMigratability(processCgroup(config.cgroupParent, uid), container.pid);
    if (seen?.ok === false) throw refused(seen.reasons.map(({ message }) => message).join("; "));
  }
}

/** Forgets the oldest. */
function remember<T>(ends: Map<string, T>, id: string, end: T): void {
  ends.set(id, end);
  for (const oldest of ends.keys()) {
    if (ends.size <= rememberedEnds) return;
    ends.delete(oldest);
  }
}
