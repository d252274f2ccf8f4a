import type {
  MigrationIdentity,
  Outcome,
  ResumedSession,
  SessionReport,
  SourcePorts,
  TargetPorts,
  UnfinishedSession,
} from "@vfleet/criu-bridge";
import { Failpoints, messageOf } from "@vfleet/shared";
import type {
  MigrationProgress,
  PreparedTarget,
  PrepareTarget,
  ServerAssignment,
  StartSource,
  VfleetError,
} from "@vfleet/shared";
import { agentError } from "../agent-error.ts";
import type { AgentParts } from "../agent.ts";
import type { ImageStore } from "../engine/image/image-store.ts";
import type { ControllerLink } from "../link/controller-link.ts";
import type { MigrationSessions } from "../link/migration-sessions.ts";
import { requireCompatible } from "./host-compatibility.ts";
import type { LiveSession, MoveBridge } from "./move-bridge.ts";
import { OwnershipWord } from "./ownership-word.ts";
import { PreparedStore } from "./prepared-store.ts";
import { deleteSnapshots, operationOf } from "./snapshot-name.ts";
import { sourcePorts } from "./source-ports.ts";
import { targetPorts } from "./target-ports.ts";

/** Migrations come in beside the agent's HTTPS port. */
const migrationPortOffset = 1;
/** A target whose source never came gives up after this, whatever the ticket's life. */
const receiveLimitMs = 15 * 60_000;
/** Between two questions to the ownership record that can't be asked yet. */
const askEveryMs = 500;
/** The same by a target that waits for its source. */
const askMeanwhileMs = 30_000;
/** Removing what a refused move left takes about a second. */
const tidyLimitMs = 20_000;
/** Pages that processes share after a fork are dumped once for each, so images can be larger than the server's memory. */
const imagesPerMemory = 4;
const leastImagesBytes = 1 << 30;

export interface MigrationParts extends Omit<AgentParts, "images" | "link"> {
  images: Pick<ImageStore, "ensure">;
  link: Pick<ControllerLink, "request" | "progress">;
  bridge: MoveBridge;
  /** That a server uses, where it is known. */
  memoryBytes: (uid: string) => Promise<number | undefined>;
}

interface ActiveSession {
  uid: string;
  ended: PromiseWithResolvers<void>;
  /** None while a target makes ready. */
  session?: LiveSession;
  /** Of a target, for a repeated command. */
  prepared?: Promise<PreparedTarget>;
}

/** The moves to and from this node: commands of the controller to sessions of the bridge, and their reports back. */
export class Migrations implements MigrationSessions {
  readonly #parts: MigrationParts;
  readonly #bridge: MoveBridge;
  readonly #word: OwnershipWord;
  readonly #prepared: PreparedStore;
  /** By operation. A node is one side of a move, never both. */
  readonly #active = new Map<string, ActiveSession>();

  constructor(parts: MigrationParts) {
    this.#parts = parts;
    this.#bridge = parts.bridge;
    this.#word = new OwnershipWord(parts.link);
    this.#prepared = new PreparedStore(parts.config.stateFolder, parts.engine.disk);
  }

  async recover(): Promise<void> {
    await this.#bridge.listen(this.#parts.config.underlay.address, this.#port);
    // Each is taken up once, also if that fails meanwhile: the next agent finds as much of it as this one did.
    const taken = new Set<string>();
    // Not awaited: what becomes of them is the controller's to say, and the link isn't up yet.
    for (const unfinished of this.#bridge.unfinished()) {
      taken.add(unfinished.identity.operation);
      this.#active.set(unfinished.identity.operation, { uid: unfinished.container, ended: Promise.withResolvers() });
      void this.#resume(unfinished);
    }
    for (const held of this.#parts.reconciler.held()) {
      if (taken.has(held.operation)) continue;
      taken.add(held.operation);
      this.#active.set(held.operation, { uid: held.uid, ended: Promise.withResolvers() });
      void this.#letGoOfForgotten(held);
    }
    for (const prepared of await this.#prepared.all()) {
      if (taken.has(prepared.operation)) continue;
      this.#active.set(prepared.operation, { uid: prepared.uid, ended: Promise.withResolvers() });
      void this.#endPrepared(prepared);
    }
    await this.#removeSnapshots();
  }

  isActive(uid: string): boolean {
    return [...this.#active.values()].some((active) => active.uid === uid);
  }

  /** A repeated command joins the first one. */
  prepareTarget(request: PrepareTarget): Promise<PreparedTarget> {
    const known = this.#active.get(request.operation)?.prepared;
    if (known !== undefined) return known;
    const { operation, server } = request;
    const earlier = this.#movesOf(server.uid);
    // In this session's hands from here on: the reconciler must not tidy up below it.
    const active: ActiveSession = { uid: server.uid, ended: Promise.withResolvers() };
    this.#active.set(operation, active);
    active.prepared = this.#tidied(server.uid, earlier).then(() => this.#prepareTarget(request, active));
    active.prepared.catch(async () => {
      await this.#settle(server.uid, operation);
      this.#end(operation);
    });
    return active.prepared;
  }

  #movesOf(uid: string): ActiveSession[] {
    return [...this.#active.values()].filter((active) => active.uid === uid);
  }

  /** A move that has ended for the controller may still be tidied up here: the next one waits for that. */
  async #tidied(uid: string, earlier: readonly ActiveSession[]): Promise<void> {
    const limit = new AbortController();
    const late = this.#parts.environment.sleep(tidyLimitMs, limit.signal).then(() => {
      throw agentError("migration-under-way", { uid });
    });
    late.catch(() => undefined); // ended by the abort below
    await Promise.race([Promise.all(earlier.map(({ ended }) => ended.promise)), late]).finally(() => limit.abort());
  }

  async #prepareTarget(request: PrepareTarget, active: ActiveSession): Promise<PreparedTarget> {
    const { operation, server } = request;
    const { config, reconciler, versions } = this.#parts;
    await reconciler.settled(server.uid);
    await this.#clearPlace(server);
    await this.#prepared.save(request);
    await this.#fetchImage(request);
    const identity = this.#identity({
      operation,
      uid: server.uid,
      source: request.source.node,
      target: config.node,
      epoch: server.epoch - 1,
    });
    const { ticket, session, ended } = await this.#bridge.expect(
      {
        identity,
        mode: request.mode,
        ports: this.#targetPorts(request, server),
        memoryLimitBytes: Math.max(server.limits.memoryBytes * imagesPerMemory, leastImagesBytes),
        timeoutMs: receiveLimitMs,
        onProgress: (report) => this.#tell("target", { operation, uid: server.uid }, report),
      },
      request.ticketLifetimeMs,
    );
    active.session = session;
    void this.#askMeanwhile(operation, session);
    void ended.then(async () => {
      await this.#settle(server.uid, operation);
      this.#end(operation);
    });
    return { ticket, endpoint: { host: config.underlay.address, port: this.#port }, versions };
  }

  async startSource(request: StartSource): Promise<void> {
    const { operation, uid } = request;
    if (this.#active.has(operation)) return;
    const { config, reconciler, versions } = this.#parts;
    const server = reconciler.assigned(uid);
    requireCompatible(versions, request.target.versions, request.mode);
    await this.#tidied(uid, this.#movesOf(uid));
    if (server.epoch !== request.epoch)
      throw agentError("epoch-stale", { uid, epoch: request.epoch, highest: server.epoch });
    const ports = this.#sourcePorts(operation, server);
    const expectedMemoryBytes = request.mode === "Cold" ? 0 : ((await this.#parts.memoryBytes(uid)) ?? 0);
    const session = this.#bridge.source({
      identity: this.#identity({
        operation,
        uid,
        source: config.node,
        target: request.target.node,
        epoch: request.epoch,
      }),
      mode: request.mode,
      ports,
      target: { address: request.target.endpoint.host, port: request.target.endpoint.port },
      ticket: request.ticket,
      timeoutMs: request.timeoutMs,
      progressTimeoutMs: request.options.progressTimeoutMs,
      ...bandwidthOf(request),
      limits: request.options,
      onProgress: (report) => this.#tell("source", { operation, uid, expectedMemoryBytes }, report),
    });
    this.#active.set(operation, { uid, session, ended: Promise.withResolvers() });
    try {
      await reconciler.hold(uid, operation);
    } catch (thrown) {
      this.#end(operation);
      throw thrown;
    }
    void session.run().then(() => this.#endSource(request, session.isCommitted));
  }

  /** A record that can't be written is as it should be in memory; the next agent asks again, since it says that a move holds the server. */
  async #endSource({ operation, uid, epoch }: StartSource, isCommitted: boolean): Promise<void> {
    const { reconciler, log } = this.#parts;
    try {
      await (isCommitted ? reconciler.handOver(uid, epoch) : reconciler.letGo(uid));
    } catch (thrown) {
      log.error({ migration: operation, server: uid, err: thrown }, "record not written");
    } finally {
      this.#end(operation);
    }
  }

  async cancel(operation: string, reason: string): Promise<void> {
    this.#active.get(operation)?.session?.cancel(reason);
  }

  async outcome(operation: string, outcome: "committed" | "aborted"): Promise<void> {
    this.#active.get(operation)?.session?.learnOutcome(outcome);
  }

  async close(): Promise<void> {
    this.#bridge.close();
  }

  get #port(): number {
    return this.#parts.config.underlay.port + migrationPortOffset;
  }

  #identity({
    uid,
    ...rest
  }: {
    operation: string;
    uid: string;
    source: string;
    target: string;
    epoch: number;
  }): MigrationIdentity {
    return { ...rest, server: uid };
  }

  /** The agent was started again in the middle of this one. */
  async #resume(unfinished: UnfinishedSession): Promise<void> {
    const { identity, container: uid, side } = unfinished;
    const { operation } = identity;
    const { log } = this.#parts;
    try {
      const session = this.#bridge.resume(unfinished);
      const outcome =
        side === "source"
          ? await this.#resumeSource(session, unfinished)
          : await this.#resumeTarget(session, unfinished);
      log.info({ migration: operation, server: uid, side, outcome }, "migration of an earlier agent ended");
      this.#tell(side, { operation, uid }, resumedReport(unfinished, { outcome, loss: session.loss }));
    } catch (thrown) {
      log.error({ migration: operation, server: uid, side, err: thrown }, "migration of an earlier agent not ended");
    } finally {
      this.#end(operation);
    }
  }

  /**
   * Of a session only a power cut leaves nothing, since it isn't synced: the server's record still says that a migration holds it, and
   * nothing of the server runs any more. The ownership record says where it goes on.
   */
  async #letGoOfForgotten({ uid, operation, epoch }: { uid: string; operation: string; epoch: number }): Promise<void> {
    const { reconciler, environment, log } = this.#parts;
    try {
      let outcome: Outcome = "undecided";
      while (outcome === "undecided" && reconciler.record(uid)?.assignment !== undefined) {
        outcome = await this.#word
          .abort({ operation, uid, reason: "the host was started again" })
          .catch(() => "undecided" as const);
        if (outcome === "undecided") await environment.sleep(askEveryMs);
      }
      const wasTarget = (await this.#prepared.load(operation)) !== undefined;
      log.info({ migration: operation, server: uid, outcome }, "migration of an earlier boot ended");
      if (outcome === "committed" && !wasTarget) await reconciler.handOver(uid, epoch);
      await this.#forget(uid, operation);
    } catch (thrown) {
      log.error({ migration: operation, server: uid, err: thrown }, "migration of an earlier boot not ended");
    } finally {
      this.#end(operation);
    }
  }

  /**
   * Of a target whose session went with the power, or that had none yet. Nothing of it was adopted; where it was committed all the
   * same, its files are the server's, and the controller assigns it.
   */
  async #endPrepared({ uid, operation }: { uid: string; operation: string }): Promise<void> {
    const { engine, reconciler, log } = this.#parts;
    try {
      // A file that says nothing any more is of nobody.
      const reason = "the target's host was started again";
      const outcome = uid === "" ? "aborted" : await this.#decided({ uid, operation, reason });
      log.info({ migration: operation, server: uid, outcome }, "migration that was only prepared ended");
      if (outcome === "aborted" && uid !== "" && reconciler.record(uid)?.assignment === undefined) {
        await engine.removeContainer(uid);
        await engine.volumes.deleteVolume(uid);
      }
      await this.#forget(uid, operation);
    } catch (thrown) {
      log.error({ migration: operation, server: uid, err: thrown }, "migration that was only prepared not ended");
    } finally {
      this.#end(operation);
    }
  }

  async #decided(request: { uid: string; operation: string; reason: string }): Promise<Outcome> {
    for (;;) {
      const outcome = await this.#word.abort(request).catch(() => "undecided" as const);
      if (outcome !== "undecided") return outcome;
      await this.#parts.environment.sleep(askEveryMs);
    }
  }

  /** The word that a move was aborted can be lost: a target that waits for its source would wait for long. */
  async #askMeanwhile(operation: string, session: LiveSession): Promise<void> {
    for (;;) {
      await this.#parts.environment.sleep(askMeanwhileMs);
      if (this.#active.get(operation)?.session !== session) return;
      const outcome = await this.#word.outcome(operation).catch(() => "undecided" as const);
      if (outcome === "aborted") session.learnOutcome("aborted");
    }
  }

  /** Of moves that nobody knows any more. */
  async #removeSnapshots(): Promise<void> {
    const { volumes } = this.#parts.engine;
    for (const name of await volumes.listSnapshots()) {
      const operation = operationOf(name);
      if (operation !== undefined && !this.#active.has(operation)) await volumes.deleteSnapshot(name);
    }
  }

  /** Nothing of the move is wanted any more: whoever owns the server, it isn't held, and no snapshot is needed. */
  async #forget(uid: string, operation: string): Promise<void> {
    const { volumes } = this.#parts.engine;
    for (const side of ["sent", "received"] as const) await deleteSnapshots(volumes, operation, side);
    await this.#settle(uid, operation);
  }

  #sourcePorts(operation: string, server: ServerAssignment): SourcePorts {
    const { engine, reconciler } = this.#parts;
    return sourcePorts({ engine, reconciler, word: this.#word, operation, server });
  }

  #targetPorts({ operation, mode }: Pick<PrepareTarget, "operation" | "mode">, server: ServerAssignment): TargetPorts {
    const { config, engine, reconciler, log } = this.#parts;
    const failpoints = new Failpoints(config.failpointFolder);
    return targetPorts({ engine, reconciler, word: this.#word, failpoints, log, operation, mode, server });
  }

  async #resumeSource(
    session: ResumedSession,
    { identity, container: uid }: UnfinishedSession,
  ): Promise<Outcome | undefined> {
    const { engine, reconciler } = this.#parts;
    const server = reconciler.record(uid)?.assignment;
    if (server === undefined) {
      await session.endReleased({ container: engine.runtime.container(uid) });
      await this.#forget(uid, identity.operation);
      return undefined;
    }
    const outcome = await session.endSource(this.#sourcePorts(identity.operation, server));
    if (outcome === "committed") await reconciler.handOver(uid, identity.epoch);
    else await reconciler.letGo(uid);
    return outcome;
  }

  async #resumeTarget(
    session: ResumedSession,
    { identity, mode, container: uid }: UnfinishedSession,
  ): Promise<Outcome | undefined> {
    const { reconciler } = this.#parts;
    const { operation } = identity;
    const server = (await this.#prepared.load(operation)) ?? reconciler.record(uid)?.assignment;
    if (server === undefined) return undefined;
    const outcome = await session.endTarget(this.#targetPorts({ operation, mode }, server));
    await this.#settle(uid, operation);
    return outcome;
  }

  /** Adopted where the commit was won, and the reconciler's from now on; elsewhere there is nothing to let go of. */
  async #settle(uid: string, operation: string): Promise<void> {
    const { reconciler, log } = this.#parts;
    try {
      if (reconciler.record(uid)?.heldBy === operation) await reconciler.letGo(uid);
      await this.#prepared.remove(operation);
    } catch (thrown) {
      log.error({ migration: operation, server: uid, err: thrown }, "record not written");
    }
  }

  /** Takes away what an earlier stay of the server has left; refuses where it lives here. */
  async #clearPlace(server: ServerAssignment): Promise<void> {
    const { engine, reconciler } = this.#parts;
    const record = reconciler.record(server.uid);
    if (record?.assignment !== undefined) throw agentError("migration-under-way", { uid: server.uid });
    if (record !== undefined && server.epoch <= record.epoch) {
      throw agentError("epoch-stale", { uid: server.uid, epoch: server.epoch, highest: record.epoch });
    }
    await engine.removeContainer(server.uid);
    await engine.volumes.deleteVolume(server.uid);
    await engine.disk.makeFolder(engine.layout.bundle(server.uid), 0o711);
    await engine.network.prepare({ uid: server.uid, ...server.network });
  }

  /** Spares most of the volume's way. Without it the volume is sent whole. */
  async #fetchImage({ server, imagePeers }: PrepareTarget): Promise<void> {
    const { images, engine, log } = this.#parts;
    const { name, digest } = server.image;
    if (imagePeers.length === 0 || digest === "" || (await engine.volumes.hasImage(digest))) return;
    try {
      await images.ensure({ name, digest, peers: imagePeers });
    } catch (thrown) {
      log.warn({ image: name, error: messageOf(thrown) }, "image not fetched, the volume is sent whole");
    }
  }

  #tell(
    side: "source" | "target",
    about: { operation: string; uid: string; expectedMemoryBytes?: number },
    report: SessionReport,
  ): void {
    const { operation, uid, expectedMemoryBytes = 0 } = about;
    const progress: MigrationProgress = {
      operation,
      uid,
      side,
      ...report,
      expectedBytes: Math.max(report.movedBytes, expectedMemoryBytes + report.volumeBytes),
    };
    this.#parts.link.progress(progress);
  }

  #end(operation: string): void {
    this.#active.get(operation)?.ended.resolve();
    this.#active.delete(operation);
    this.#bridge.prune();
    this.#parts.reconciler.wakeAll();
  }
}

function bandwidthOf({ options }: StartSource): { bandwidthBytesPerSecond?: number } {
  const { bandwidthBytesPerSecond } = options;
  return bandwidthBytesPerSecond === undefined ? {} : { bandwidthBytesPerSecond };
}

/** What its bytes and times were is not known any more. */
function resumedReport(
  { mode }: UnfinishedSession,
  { outcome, loss }: { outcome: Outcome | undefined; loss: VfleetError | undefined },
): SessionReport {
  const none = { mode, movedBytes: 0, memoryBytes: 0, volumeBytes: 0, wireBytes: 0, timeline: [] };
  if (outcome === "committed" && loss === undefined) return { phase: "done", ...none };
  const { code, message } = loss ?? { code: "agent-restarted", message: "The agent was started again in the middle" };
  return { phase: "failed", ...none, error: { code, message } };
}
