import { messageOf } from "@vfleet/shared";
import { killTasks } from "../criu/container-tasks.ts";
import { criuConfigurationText } from "../criu/configuration.ts";
import { GateKeeper } from "../criu/gate-keeper.ts";
import type { Gate, GateVerdict } from "../criu/gate-script.ts";
import { readRestoreStatistics } from "../criu/statistics.ts";
import { fail } from "../errors.ts";
import { pageBytes } from "../pages/page-server-protocol.ts";
import { decompress } from "../stream/compressor.ts";
import { channels } from "../stream/frame.ts";
import type { FrameConnection } from "../stream/frame-connection.ts";
import type { ReceivedFrame } from "../stream/frame-parser.ts";
import { ImageFileReceiver } from "./image-files.ts";
import { memoryTarget } from "./memory-of-mode.ts";
import type { MemoryTarget } from "./memory-target.ts";
import { decodeMessage, encodeMessage, type Message } from "./messages.ts";
import { makeOperationFolders, removeFolder, replaceFile } from "./operation-folders.ts";
import type { TargetPorts } from "./ports.ts";
import { SessionRun } from "./session-run.ts";
import { fillStallLimitMs, type SessionOptions } from "./session-options.ts";
import type { SessionReport } from "./session-report.ts";
import { targetStart, targetStep, type TargetAction, type TargetEvent, type TargetState } from "./target-machine.ts";
import { targetLimits } from "./target-limits.ts";
import { targetPhases } from "./target-phase.ts";
import { TargetRestore } from "./target-restore.ts";
import { TargetRounds } from "./target-rounds.ts";

/** Image files beside the pages: removed open files, pipes, small tmpfs. */
const filesLimitBytes = 4 * 1024 ** 3;

export interface TargetSessionOptions extends SessionOptions {
  ports: TargetPorts;
  /** More memory than this is refused. */
  memoryLimitBytes: number;
  /** The source must have connected by then, and be done. */
  timeoutMs: number;
}

/** Runs the target's side of one move: does what its state machine says and tells it what came of it. */
export class TargetSession {
  readonly #options: TargetSessionOptions;
  readonly #run: SessionRun;
  readonly #verdict = Promise.withResolvers<GateVerdict>();
  readonly #gateKeeper: GateKeeper;
  readonly #memory: MemoryTarget;
  readonly #files: ImageFileReceiver;
  readonly #volume: TargetRounds;
  readonly #restore: TargetRestore;
  #state: TargetState;
  #connection: FrameConnection | undefined;
  #commitAskedMs: number | undefined;
  #abortAsked = false;
  /** The source owed nothing, or paid. */
  #heardMs = 0;

  constructor(options: TargetSessionOptions) {
    this.#options = options;
    this.#state = targetStart(options.mode);
    this.#run = new SessionRun(options, "target", options.ports.container);
    const { folders } = this.#run;
    this.#memory = memoryTarget(options.mode, {
      host: options.host,
      folders,
      limitBytes: options.memoryLimitBytes,
      ask: (wish) => void this.#send({ type: "pages-wanted", ...wish }).catch(() => {}),
      failed: (error) => this.#fail(error),
    });
    this.#files = new ImageFileReceiver(folders.images, {
      limitBytes: filesLimitBytes,
      pageImages: () => this.#memory.asksForPages,
    });
    this.#volume = new TargetRounds({
      server: options.identity.server,
      volume: options.ports.volume,
      timeline: this.#run.timeline,
      received: (round) => this.#send({ type: "volume-received", round }),
      failed: (thrown) => this.#fail(thrown),
    });
    this.#restore = new TargetRestore({ ...options, run: this.#run, memory: this.#memory });
    this.#gateKeeper = new GateKeeper({
      socketPath: folders.gateSocket,
      log: options.host.log,
      decide: (gate) => this.#decide(gate),
      pass: (passing) => {
        if (passing === "pre-resume") this.#dispatch({ type: "resuming" });
      },
    });
  }

  /** Makes ready for the source; call before its ticket is given out. */
  async prepare(): Promise<void> {
    const { folders } = this.#run;
    makeOperationFolders(folders);
    await this.#gateKeeper.listen();
    replaceFile(
      this.#options.ports.container.criuConfigPath,
      criuConfigurationText({ gateScript: folders.gateScript }),
    );
    this.#run.save(false);
  }

  /** Runs to its end; resolves with the last report, never rejects. */
  run(): Promise<SessionReport> {
    void this.#limitTime();
    return this.#run.whileRunning(() => {
      this.#tell();
      this.#watchFilling();
    });
  }

  get mode(): SessionOptions["mode"] {
    return this.#options.mode;
  }

  /** Takes the connection on which the source has shown its ticket. */
  accept(connection: FrameConnection): void {
    this.#connection = connection;
    void connection.closed.then(() => this.#dispatch({ type: "peer-lost", reason: messageOf(connection.failure) }));
    this.#memory.prepare?.();
    this.#run.timeline.mark("accepted");
    this.#dispatch({ type: "accepted" });
  }

  /** Asks for an end; honoured until the commit is asked for. */
  cancel(reason: string): void {
    if (this.#state.phase === "committed") return;
    this.#fail(fail("migration-cancelled", { server: this.#options.identity.server, reason }));
  }

  /** What the controller has told by itself. */
  learnOutcome(outcome: "committed" | "aborted"): void {
    if (outcome === "aborted" && this.#state.phase !== "committing") this.cancel("the ownership record says aborted");
    else this.#dispatch({ type: "outcome", outcome });
  }

  /** Frames of the accepted connection. */
  receive(frame: ReceivedFrame): Promise<void> | undefined {
    this.#heardMs = this.#options.host.environment.monotonicMs();
    const isReceiving = this.#state.phase === "receiving";
    switch (frame.header.channel) {
      case channels.pages:
        if (this.#run.isEnding || !(isReceiving || this.#memory.asksForPages)) return undefined;
        this.#run.timeline.mark("first-page");
        return this.#memory.take(frame);
      case channels.files:
        if (isReceiving) this.#files.take(frame);
        return undefined;
      case channels.volume:
        return isReceiving ? this.#volume.take(frame) : undefined;
      case channels.control:
        if (isReceiving) this.#take(decodeMessage(decompress(frame.payload, frame.header)));
    }
    return undefined;
  }

  #take(message: Message): void {
    switch (message.type) {
      case "volume-begin":
        this.#volume.begin(message.round, message.frozen);
        return;
      case "round-sent":
        this.#attempt(() => this.#endRound(message));
        return;
      case "rounds-ended":
        if (this.#memory.endRounds === undefined)
          throw fail("stream-invalid", { reason: `mode ${this.#options.mode} has no rounds of memory` });
        this.#memory.endRounds(message.mode);
        this.#run.goOverTo(message.mode);
        this.#dispatch({ type: "rounds-ended", mode: message.mode });
        return;
      case "complete":
        this.#run.timeline.mark("complete");
        this.#sendInPassing({ type: "received" });
        this.#attempt(() => this.#complete(message));
        return;
      case "aborted":
        this.#dispatch({ type: "peer-lost", reason: message.reason });
        return;
      case "hello":
      case "welcome":
      case "volume-received":
      case "round-received":
      case "pages-wanted":
      case "received":
      case "committed":
      case "running":
      case "filled":
      case "refused":
        throw fail("stream-invalid", { reason: `message ${message.type} is for the source only` });
    }
  }

  async #endRound({ round, images, pages }: Message & { type: "round-sent" }): Promise<void> {
    if (this.#memory.endRound === undefined)
      throw fail("stream-invalid", { reason: `mode ${this.#options.mode} has no rounds of memory` });
    await this.#memory.endRound({ images, pages });
    await this.#send({ type: "round-received", round });
  }

  async #complete(announced: Message & { type: "complete" }): Promise<void> {
    this.#files.finish(announced.files);
    await this.#memory.complete({ images: announced.images, pages: announced.pages });
    if (this.#volume.ready === undefined)
      throw fail("stream-invalid", { reason: "the frozen server's volume was not sent" });
    await this.#volume.ready;
    this.#options.host.failpoints.hit("migration.target.complete");
    this.#dispatch({ type: "complete" });
  }

  async #decide(gate: Gate): Promise<GateVerdict> {
    if (gate !== "post-restore") return "go";
    this.#run.timeline.mark("restored");
    try {
      await Promise.race([this.#options.host.failpoints.reach("migration.target.post-restore"), this.#verdict.promise]);
      this.#dispatch({ type: "restored" });
    } catch (thrown) {
      this.#fail(thrown);
    }
    return this.#verdict.promise;
  }

  #dispatch(event: TargetEvent): void {
    const before = this.#state.phase;
    const step = targetStep(this.#state, event);
    this.#state = step.state;
    for (const action of step.actions) this.#perform(action);
    if (this.#state.phase !== before) this.#tell();
  }

  #perform(action: TargetAction): void {
    const { ports } = this.#options;
    switch (action.type) {
      case "welcome":
        this.#attempt(async () => {
          const volumeBase = await ports.volume.base();
          await this.#send({ type: "welcome", ...(volumeBase === undefined ? {} : { volumeBase }) });
        });
        return;
      case "start-restore":
        this.#attempt(() => this.#restoreAndFill());
        return;
      case "start-server":
        this.#attempt(() => this.#startServer());
        return;
      case "ask-commit":
        void this.#askCommit();
        return;
      case "answer":
        this.#verdict.resolve(action.verdict);
        return;
      case "tell-committed":
        this.#run.timeline.mark("committed");
        this.#sendInPassing({ type: "committed" });
        return;
      case "attach-network":
        void this.#attach();
        return;
      case "tell-running":
        this.#run.timeline.mark("running");
        this.#sendInPassing({ type: "running" });
        return;
      case "tell-filled":
        this.#sendInPassing({ type: "filled" });
        return;
      case "tell-refused":
        this.#sendInPassing({ type: "refused", reason: action.reason.slice(0, 4096) });
        return;
      case "ask-abort":
        void this.#askAbort(action.reason);
        return;
      case "kill-tasks":
        killTasks(ports.container);
        this.#restore.endFilling();
        return;
      case "finish":
        void this.#finish();
        return;
    }
  }

  async #restoreAndFill(): Promise<void> {
    await this.#restore.restore();
    if (this.#state.phase === "restoring") {
      const reason = "its tasks ran without asking to commit";
      throw fail("restore-failed", { server: this.#options.identity.server, reason });
    }
    // In case the word of it is still on its way.
    this.#dispatch({ type: "resuming" });
    await this.#restore.filled();
    this.#dispatch({ type: "filled" });
  }

  async #startServer(): Promise<void> {
    await this.#run.timeline.measure("start", () => this.#options.ports.server.start());
    this.#dispatch({ type: "resuming" });
    this.#dispatch({ type: "filled" });
  }

  /**
   * Between the commit and CRIU's unlocking: the lock drops what arrives too early, so nothing is reset, and the first packet of the
   * restored sockets finds its way. The tasks run even if this fails: the record says they are here.
   */
  async #attach(): Promise<void> {
    await this.#run.timeline
      .measure("attach", () => this.#options.ports.network.attach())
      .catch((thrown: unknown) => this.#run.log("network not attached", thrown));
    this.#verdict.resolve("go");
  }

  async #askCommit(): Promise<void> {
    const nowMs = this.#options.host.environment.monotonicMs();
    const again = this.#commitAskedMs !== undefined;
    this.#commitAskedMs ??= nowMs;
    if (nowMs - this.#commitAskedMs > targetLimits.commitMs) {
      this.#dispatch({ type: "commit-limit" });
      return;
    }
    if (again) await this.#run.waits(targetLimits.commitEveryMs);
    const { ports, identity } = this.#options;
    const outcome = await ports.commit(identity.operation).catch(() => "undecided" as const);
    this.#dispatch({ type: "outcome", outcome });
  }

  async #askAbort(reason: string): Promise<void> {
    if (this.#abortAsked) await this.#run.waits(targetLimits.commitEveryMs);
    this.#abortAsked = true;
    const { ports, identity } = this.#options;
    const outcome = await ports.abort(identity.operation, reason).catch(() => "undecided" as const);
    this.#dispatch({ type: "outcome", outcome });
  }

  async #finish(): Promise<void> {
    if (!this.#run.beginEnd()) return;
    const { ports, host, identity } = this.#options;
    const discarded = this.#state.phase === "discarded" ? this.#state.reason : undefined;
    const lost = this.#state.phase === "lost" ? this.#state.reason : undefined;
    if (discarded !== undefined || lost !== undefined)
      this.#volume.abandon(fail("stream-closed", { peer: identity.source }));
    await (discarded === undefined ? this.#restore.ended : this.#restore.giveUp());
    this.#files.abandon();
    await this.#memory.close();
    await this.#volume.settled();
    const steps =
      discarded === undefined
        ? [() => ports.settled(), () => ports.volume.release()]
        : [() => ports.discardContainer(), () => ports.volume.discard()];
    // The images of a lost server can be the only copy of its memory: they stay until the operation is pruned.
    if (lost === undefined || this.#memory.asksForPages || this.#options.mode === "Cold")
      steps.push(async () => removeFolder(this.#run.folders.run));
    for (const step of [...steps, async () => this.#gateKeeper.close()])
      await step().catch((thrown: unknown) => this.#run.log("target not tidied up", thrown));
    const criu = readRestoreStatistics(this.#run.folders.work);
    host.log.info({ migration: identity.operation, side: "target", phase: this.#state.phase, criu }, "migration ended");
    if (discarded !== undefined || lost !== undefined) this.#connection?.end();
    const { server } = identity;
    if (discarded !== undefined) this.#remember(fail("restore-failed", { server, reason: discarded }));
    if (lost !== undefined) this.#remember(this.#lossOf(lost));
    this.#run.end(this.#report());
  }

  #lossOf(reason: string): Error {
    const { server } = this.#options.identity;
    return fail(this.#memory.asksForPages ? "post-copy-lost" : "restore-failed", { server, reason });
  }

  async #limitTime(): Promise<void> {
    const { timeoutMs, identity } = this.#options;
    if (!(await this.#run.waits(timeoutMs))) return;
    if (this.#state.phase === "receiving" || this.#state.phase === "restoring")
      this.#fail(fail("migration-timeout", { server: identity.server, limitMs: timeoutMs }));
  }

  /** A source that was cut off without a word doesn't close the connection. */
  #watchFilling(): void {
    const { host, identity } = this.#options;
    const nowMs = host.environment.monotonicMs();
    if (!this.#memory.isWaiting) this.#heardMs = nowMs;
    if (nowMs - this.#heardMs < fillStallLimitMs) return;
    this.#connection?.destroy(fail("post-copy-stalled", { peer: identity.source, limitMs: fillStallLimitMs }));
  }

  #attempt(work: () => Promise<void>): void {
    work().catch((thrown: unknown) => this.#fail(thrown));
  }

  #fail(thrown: unknown): void {
    if (this.#run.isEnding) return;
    const isLost = this.#state.phase === "committed" && this.#memory.asksForPages;
    const reason = this.#remember(isLost ? this.#lossOf(messageOf(thrown)) : thrown);
    this.#dispatch({ type: "failed", reason });
  }

  #remember(thrown: unknown): string {
    const { server } = this.#options.identity;
    return this.#run.remember(thrown, (reason, cause) => fail("restore-failed", { server, reason }, { cause }));
  }

  #send(message: Message): Promise<void> {
    if (this.#connection === undefined) return Promise.resolve();
    return this.#connection.send(channels.control, encodeMessage(message));
  }

  /** Who isn't there any more needs no word. */
  #sendInPassing(message: Message): void {
    void this.#send(message).catch(() => {});
  }

  #tell(): void {
    if (!this.#run.isEnding) this.#options.onProgress(this.#report());
  }

  #report(): SessionReport {
    const memoryBytes = this.#memory.pages * pageBytes;
    const remaining = this.#memory.remainingPages;
    const { error, timeline } = this.#run;
    const pauseMs = timeline.betweenMs("complete", "running");
    const isFilled = this.#state.phase === "filled";
    return {
      phase:
        this.#connection === undefined && this.#state.phase === "receiving"
          ? "preparing"
          : targetPhases[this.#state.phase],
      mode: this.#run.mode,
      movedBytes: memoryBytes + this.#volume.bytes,
      memoryBytes,
      volumeBytes: this.#volume.bytes,
      wireBytes: this.#connection?.wireBytes ?? 0,
      ...(remaining === undefined || isFilled ? {} : { remainingBytes: remaining * pageBytes }),
      ...(this.#memory.asksForPages ? { bothHostsNeeded: this.#state.phase === "committed" } : {}),
      ...(pauseMs === undefined ? {} : { pauseMs }),
      timeline: timeline.steps(),
      ...(error === undefined || isFilled ? {} : { error }),
    };
  }
}
