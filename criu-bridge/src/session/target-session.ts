import { existsSync } from "node:fs";
import { join } from "node:path";
import { codeOf, messageOf, VfleetError } from "@vfleet/shared";
import { lazyPagesArguments, restoreArguments } from "../criu/arguments.ts";
import { lastComplaint, startInBackground } from "../criu/background-program.ts";
import { criuConfigurationText } from "../criu/configuration.ts";
import { GateKeeper } from "../criu/gate-keeper.ts";
import type { Gate, GateVerdict } from "../criu/gate-script.ts";
import { firstCriuError } from "../criu/log.ts";
import { readRestoreStatistics } from "../criu/statistics.ts";
import { fail } from "../errors.ts";
import { PageImages } from "../pages/page-images.ts";
import { pageBytes } from "../pages/page-server-protocol.ts";
import { decompress } from "../stream/compressor.ts";
import { channels } from "../stream/frame.ts";
import type { FrameConnection } from "../stream/frame-connection.ts";
import type { ReceivedFrame } from "../stream/frame-parser.ts";
import { ImageFileReceiver } from "./image-files.ts";
import { decodeMessage, encodeMessage, type Message } from "./messages.ts";
import {
  makeOperationFolders,
  operationFolders,
  removeFolder,
  replaceFile,
  readText,
  type OperationFolders,
} from "./operation-folders.ts";
import type { TargetPorts } from "./ports.ts";
import { saveSession } from "./session-file.ts";
import type { SessionOptions } from "./session-options.ts";
import type { SessionPhase, SessionReport } from "./session-report.ts";
import { targetStart, targetStep, type TargetAction, type TargetEvent, type TargetState } from "./target-machine.ts";
import { Timeline } from "./timeline.ts";
import { VolumeReceiver } from "./volume-channel.ts";

const listenLimitMs = 5_000;
const progressEveryMs = 200;
const commitEveryMs = 250;
/** Without a definite answer for so long the restored tasks are given up. */
const commitLimitMs = 20_000;
/** Image files beside the pages: removed open files, pipes, small tmpfs. */
const filesLimitBytes = 4 * 1024 ** 3;

const phases: Record<TargetState["phase"], SessionPhase> = {
  receiving: "syncing",
  restoring: "restoring",
  committing: "restoring",
  committed: "committed",
  filled: "done",
  lost: "failed",
  discarded: "failed",
};

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
  readonly #folders: OperationFolders;
  readonly #timeline: Timeline;
  readonly #ended = Promise.withResolvers<SessionReport>();
  readonly #verdict = Promise.withResolvers<GateVerdict>();
  readonly #stop = new AbortController();
  readonly #gateKeeper: GateKeeper;
  readonly #pages: PageImages;
  readonly #files: ImageFileReceiver;
  readonly #volume = new VolumeReceiver();
  #state: TargetState = targetStart;
  #connection: FrameConnection | undefined;
  #volumeReady: Promise<void> | undefined;
  #restoreEnded: Promise<void> = Promise.resolve();
  #commitAskedMs: number | undefined;
  #abortAsked = false;
  #error: { code: string; message: string } | undefined;
  #finishing = false;

  constructor(options: TargetSessionOptions) {
    this.#options = options;
    this.#folders = operationFolders(options.host, options.identity.operation, "target");
    this.#timeline = new Timeline(options.host.environment);
    this.#pages = new PageImages(this.#folders.images, options.memoryLimitBytes);
    this.#files = new ImageFileReceiver(this.#folders.images, filesLimitBytes);
    this.#gateKeeper = new GateKeeper({
      socketPath: this.#folders.gateSocket,
      log: options.host.log,
      decide: (gate) => this.#decide(gate),
      pass: (passing) => {
        if (passing === "pre-resume") this.#dispatch({ type: "resuming" });
      },
    });
  }

  /** Makes ready for the source; call before its ticket is given out. */
  async prepare(): Promise<void> {
    makeOperationFolders(this.#folders);
    await this.#gateKeeper.listen();
    replaceFile(
      this.#options.ports.container.criuConfigPath,
      criuConfigurationText({ gateScript: this.#folders.gateScript }),
    );
    this.#save(false);
  }

  /** Runs to its end; resolves with the last report, never rejects. */
  run(): Promise<SessionReport> {
    const stopProgress = this.#options.host.environment.every(progressEveryMs, () => this.#tell());
    void this.#limitTime();
    return this.#ended.promise.finally(() => {
      stopProgress();
      this.#stop.abort();
    });
  }

  /** Takes the connection on which the source has shown its ticket. */
  accept(connection: FrameConnection): void {
    this.#connection = connection;
    void connection.closed.then(() => this.#dispatch({ type: "peer-lost", reason: messageOf(connection.failure) }));
    this.#timeline.mark("accepted");
    this.#dispatch({ type: "accepted" });
  }

  /** Asks for an end; honoured until the commit is asked for. */
  cancel(reason: string): void {
    this.#fail(fail("migration-cancelled", { server: this.#options.identity.server, reason }));
  }

  /** What the controller has told by itself. */
  learnOutcome(outcome: "committed" | "aborted"): void {
    if (outcome === "aborted" && this.#state.phase !== "committing") this.cancel("the ownership record says aborted");
    else this.#dispatch({ type: "outcome", outcome });
  }

  /** Frames of the accepted connection. */
  receive(frame: ReceivedFrame): Promise<void> | undefined {
    if (this.#state.phase !== "receiving") return undefined;
    switch (frame.header.channel) {
      case channels.pages:
        this.#timeline.mark("first-page");
        return this.#pages.take(frame);
      case channels.files:
        this.#files.take(frame);
        return undefined;
      case channels.volume:
        return this.#volume.take(frame);
      case channels.control:
        this.#take(decodeMessage(decompress(frame.payload, frame.header)));
        break;
    }
    return undefined;
  }

  #take(message: Message): void {
    switch (message.type) {
      case "volume-begin":
        this.#receiveRound(message.round, message.frozen);
        return;
      case "complete":
        this.#timeline.mark("complete");
        this.#attempt(() => this.#complete(message));
        return;
      case "aborted":
        this.#dispatch({ type: "peer-lost", reason: message.reason });
        return;
      case "hello":
      case "welcome":
      case "volume-received":
      case "committed":
      case "running":
      case "refused":
        throw fail("stream-invalid", { reason: `message ${message.type} is for the source only` });
    }
  }

  #receiveRound(round: number, frozen: boolean): void {
    const stream = this.#volume.begin();
    const { volume } = this.#options.ports;
    const step = frozen ? "volume-delta" : `volume-round-${round}`;
    const received = this.#timeline
      .measure(step, () => volume.receive(stream))
      .then(() => this.#send({ type: "volume-received", round }));
    received.catch((thrown: unknown) =>
      this.#fail(
        fail("volume-failed", { server: this.#options.identity.server, reason: messageOf(thrown) }, { cause: thrown }),
      ),
    );
    if (!frozen) return;
    // Beside the memory, which still arrives.
    this.#volumeReady = received.then(() => this.#timeline.measure("volume-activate", () => volume.activate()));
    this.#volumeReady.catch((thrown: unknown) => this.#fail(thrown));
  }

  async #complete(announced: Message & { type: "complete" }): Promise<void> {
    this.#files.finish(announced.files);
    await this.#pages.finish({ images: announced.images, pages: announced.pages });
    if (this.#volumeReady === undefined)
      throw fail("stream-invalid", { reason: "the frozen server's volume was not sent" });
    await this.#volumeReady;
    this.#dispatch({ type: "complete" });
  }

  async #decide(gate: Gate): Promise<GateVerdict> {
    if (gate !== "post-restore") return "go";
    this.#timeline.mark("restored");
    try {
      this.#options.host.failpoints.hit("migration.target.post-restore");
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
    switch (action.type) {
      case "welcome":
        this.#attempt(async () => {
          const volumeBase = await this.#options.ports.volume.base();
          await this.#send({ type: "welcome", ...(volumeBase === undefined ? {} : { volumeBase }) });
        });
        return;
      case "start-restore":
        this.#attempt(() => this.#restore());
        return;
      case "ask-commit":
        void this.#askCommit();
        return;
      case "answer":
        this.#verdict.resolve(action.verdict);
        return;
      case "tell-committed":
        this.#timeline.mark("committed");
        void this.#send({ type: "committed" }).catch(() => {});
        return;
      case "attach-network":
        void this.#attach();
        return;
      case "tell-running":
        this.#timeline.mark("running");
        void this.#send({ type: "running" }).catch(() => {});
        return;
      case "tell-refused":
        void this.#send({ type: "refused", reason: action.reason.slice(0, 4096) }).catch(() => {});
        return;
      case "ask-abort":
        void this.#askAbort(action.reason);
        return;
      case "finish":
        void this.#finish();
        return;
    }
  }

  async #restore(): Promise<void> {
    const { host, ports, identity } = this.#options;
    const folders = { imagesFolder: this.#folders.images, workFolder: this.#folders.work };
    const logFile = join(this.#folders.work, "criu-lazy-pages.log");
    this.#requireGate();
    this.#timeline.mark("restore");
    const lazyPages = await startInBackground({
      program: host.programs.criu,
      arguments: lazyPagesArguments(folders),
      logFile,
      searchPath: host.searchPath,
    });
    this.#save(false, lazyPages.pid);
    await this.#listening(join(this.#folders.work, "lazy-pages.socket"));
    const restored = ports.restore({ ...folders, arguments: restoreArguments({ ...folders, lazy: true }) });
    this.#restoreEnded = restored.then(
      () => this.#timeline.mark("restore-ended"),
      () => {
        // Nobody is left to be filled.
        lazyPages.kill();
      },
    );
    try {
      await restored;
    } catch (thrown) {
      const reason = firstCriuError(join(this.#folders.work, "restore.log")) ?? messageOf(thrown);
      throw fail("restore-failed", { server: identity.server, reason }, { cause: thrown });
    }
    if (this.#state.phase === "restoring") {
      throw fail("restore-failed", { server: identity.server, reason: "its tasks ran without asking to commit" });
    }
    // In case the word of it is still on its way.
    this.#dispatch({ type: "resuming" });
    const { code } = await lazyPages.exited;
    this.#timeline.mark("filled");
    if (code === 0) {
      this.#dispatch({ type: "filled" });
      return;
    }
    const reason = firstCriuError(join(this.#folders.work, "lazy-pages.log")) ?? lastComplaint(logFile);
    throw fail("lazy-pages-failed", { server: identity.server, reason });
  }

  /** Without its gate a restore would let the tasks run unasked. */
  #requireGate(): void {
    const { criuConfigPath } = this.#options.ports.container;
    if (existsSync(criuConfigPath) && readText(criuConfigPath).includes(this.#folders.gateScript)) return;
    throw fail("restore-failed", {
      server: this.#options.identity.server,
      reason: "the configuration with its gate is gone",
    });
  }

  /** A restore that finds nobody there fails. */
  async #listening(socketPath: string): Promise<void> {
    const { environment } = this.#options.host;
    const untilMs = environment.monotonicMs() + listenLimitMs;
    while (!existsSync(socketPath)) {
      if (environment.monotonicMs() > untilMs)
        throw fail("lazy-pages-failed", { server: this.#options.identity.server, reason: "it does not listen" });
      await environment.sleep(1);
    }
  }

  /**
   * Between the commit and CRIU's unlocking: the lock drops what arrives too early, so nothing is reset, and the first packet of the
   * restored sockets finds its way. The tasks run even if this fails: the record says they are here.
   */
  async #attach(): Promise<void> {
    await this.#timeline
      .measure("attach", () => this.#options.ports.network.attach())
      .catch((thrown: unknown) => this.#log("network not attached", thrown));
    this.#verdict.resolve("go");
  }

  async #askCommit(): Promise<void> {
    const { environment } = this.#options.host;
    const nowMs = environment.monotonicMs();
    const again = this.#commitAskedMs !== undefined;
    this.#commitAskedMs ??= nowMs;
    if (nowMs - this.#commitAskedMs > commitLimitMs) {
      this.#dispatch({ type: "commit-limit" });
      return;
    }
    if (again) await environment.sleep(commitEveryMs, this.#stop.signal).catch(() => {});
    const outcome = await this.#options.ports
      .commit(this.#options.identity.operation)
      .catch(() => "undecided" as const);
    this.#dispatch({ type: "outcome", outcome });
  }

  async #askAbort(reason: string): Promise<void> {
    if (this.#abortAsked) await this.#options.host.environment.sleep(commitEveryMs, this.#stop.signal).catch(() => {});
    this.#abortAsked = true;
    const outcome = await this.#options.ports
      .abort(this.#options.identity.operation, reason)
      .catch(() => "undecided" as const);
    this.#dispatch({ type: "outcome", outcome });
  }

  async #finish(): Promise<void> {
    if (this.#finishing) return;
    this.#finishing = true;
    const { ports, host, identity } = this.#options;
    const discarded = this.#state.phase === "discarded" ? this.#state.reason : undefined;
    const lost = this.#state.phase === "lost" ? this.#state.reason : undefined;
    if (discarded !== undefined || lost !== undefined)
      this.#volume.abandon(fail("stream-closed", { peer: identity.source }));
    await this.#restoreEnded;
    this.#files.abandon();
    await this.#pages.abandon();
    await this.#volumeReady?.catch(() => {});
    const steps =
      discarded === undefined
        ? [() => ports.volume.release()]
        : [() => ports.discardContainer(), () => ports.volume.discard()];
    // The images of a lost server are the only copy of its memory: they stay until the operation is pruned.
    if (lost === undefined) steps.push(async () => removeFolder(this.#folders.run));
    for (const step of [...steps, async () => this.#gateKeeper.close()])
      await step().catch((thrown: unknown) => this.#log("target not tidied up", thrown));
    const criu = readRestoreStatistics(this.#folders.work);
    host.log.info({ migration: identity.operation, side: "target", phase: this.#state.phase, criu }, "migration ended");
    if (discarded !== undefined) this.#connection?.end();
    const reason = discarded ?? lost;
    if (reason !== undefined) this.#error ??= { code: "restore-failed", message: reason };
    this.#save(true);
    const report = this.#report();
    this.#options.onProgress(report);
    this.#ended.resolve(report);
  }

  async #limitTime(): Promise<void> {
    const { host, timeoutMs, identity } = this.#options;
    const passed = await host.environment.sleep(timeoutMs, this.#stop.signal).then(
      () => true,
      () => false,
    );
    if (passed && (this.#state.phase === "receiving" || this.#state.phase === "restoring")) {
      this.#fail(fail("migration-timeout", { server: identity.server, limitMs: timeoutMs }));
    }
  }

  #attempt(work: () => Promise<void>): void {
    work().catch((thrown: unknown) => this.#fail(thrown));
  }

  #fail(thrown: unknown): void {
    if (this.#finishing) return;
    const error =
      thrown instanceof VfleetError
        ? thrown
        : fail(
            "restore-failed",
            { server: this.#options.identity.server, reason: messageOf(thrown) },
            { cause: thrown },
          );
    this.#error ??= { code: codeOf(error), message: error.message };
    this.#dispatch({ type: "failed", reason: this.#error.message });
  }

  #log(event: string, thrown: unknown): void {
    this.#options.host.log.error({ migration: this.#options.identity.operation, error: messageOf(thrown) }, event);
  }

  #send(message: Message): Promise<void> {
    if (this.#connection === undefined) return Promise.resolve();
    return this.#connection.send(channels.control, encodeMessage(message));
  }

  #save(ended: boolean, pid?: number): void {
    saveSession(this.#folders.sessionFile, {
      version: 1,
      side: "target",
      identity: this.#options.identity,
      container: this.#options.ports.container.id,
      ended,
      ...(pid === undefined ? {} : { pid }),
    });
  }

  #tell(): void {
    if (!this.#finishing) this.#options.onProgress(this.#report());
  }

  #report(): SessionReport {
    const memoryBytes = this.#pages.totals.pages * pageBytes;
    const pauseMs = this.#timeline.betweenMs("complete", "running");
    return {
      phase: this.#phase(),
      movedBytes: memoryBytes + this.#volume.bytes,
      memoryBytes,
      volumeBytes: this.#volume.bytes,
      wireBytes: this.#connection?.wireBytes ?? 0,
      ...(pauseMs === undefined ? {} : { pauseMs }),
      timeline: this.#timeline.steps(),
      ...(this.#error === undefined || this.#state.phase === "filled" ? {} : { error: this.#error }),
    };
  }

  #phase(): SessionPhase {
    return this.#connection === undefined && this.#state.phase === "receiving"
      ? "preparing"
      : phases[this.#state.phase];
  }
}
