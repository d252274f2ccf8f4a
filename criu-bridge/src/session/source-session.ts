import { hasRounds, messageOf, Revert, type MoveMode } from "@vfleet/shared";
import { completeImages } from "../criu/complete-images.ts";
import { killTasks } from "../criu/container-tasks.ts";
import { freezerOf, thaw, type Freezer } from "../criu/freezer.ts";
import { GateKeeper } from "../criu/gate-keeper.ts";
import type { Gate, GateVerdict } from "../criu/gate-script.ts";
import { readDumpStatistics } from "../criu/statistics.ts";
import { unsettledSocket } from "../criu/unsettled-socket.ts";
import { fail } from "../errors.ts";
import type { PageTotals } from "../pages/page-server.ts";
import { decompress } from "../stream/compressor.ts";
import { channels } from "../stream/frame.ts";
import { FrameConnection } from "../stream/frame-connection.ts";
import type { ReceivedFrame } from "../stream/frame-parser.ts";
import { Pacer } from "../stream/pacer.ts";
import { dialSecurely } from "../stream/secure-connection.ts";
import type { RoundLimits } from "./convergence.ts";
import { sendImageFiles } from "./image-files.ts";
import { memorySource } from "./memory-of-mode.ts";
import type { MemorySource } from "./memory-source.ts";
import { decodeMessage, encodeMessage, type Message } from "./messages.ts";
import { makeOperationFolders, removeFolder } from "./operation-folders.ts";
import type { SourcePorts } from "./ports.ts";
import { RepeatedDump } from "./repeated-dump.ts";
import { SessionRun } from "./session-run.ts";
import { fillStallLimitMs, type SessionOptions } from "./session-options.ts";
import type { SessionReport } from "./session-report.ts";
import { sourceStart, sourceStep, type SourceAction, type SourceEvent, type SourceState } from "./source-machine.ts";
import { sourceLimits } from "./source-limits.ts";
import { sourcePhases } from "./source-phase.ts";
import { sourceReport } from "./source-report.ts";
import { SourceRounds } from "./source-rounds.ts";
import { sayAborted, StreamWatch } from "./stream-watch.ts";

export interface SourceSessionOptions extends SessionOptions {
  ports: SourcePorts;
  target: { address: string; port: number };
  ticket: string;
  /** The whole move, up to the commit. */
  timeoutMs: number;
  /** Without a byte to or from the target for so long it is given up, until the target has everything. */
  progressTimeoutMs?: number;
  /** Of memory and volume on the wire; pages that a running task waits for are counted, and don't wait. */
  bandwidthBytesPerSecond?: number;
  /** When rounds of memory end, and what follows where they don't shrink. */
  limits: RoundLimits & { allowPostCopy: boolean };
}

/** Runs the source's side of one move: does what its state machine says and tells it what came of it. */
export class SourceSession {
  readonly #options: SourceSessionOptions;
  readonly #run: SessionRun;
  readonly #verdict = Promise.withResolvers<GateVerdict>();
  readonly #running = Promise.withResolvers<void>();
  readonly #gateKeeper: GateKeeper;
  readonly #rounds: SourceRounds;
  readonly #watch: StreamWatch;
  readonly #dumping: RepeatedDump;
  #state: SourceState;
  #connection: FrameConnection | undefined;
  #memory: MemorySource | undefined;
  #totals: PageTotals = { images: 0, pages: 0 };
  #runcExited: Promise<void> = Promise.resolve();
  /** Nobody reaches the server any more: its port is isolated, or it is stopped. */
  #cutOff: Promise<void> = Promise.resolve();
  #freezer: Freezer | undefined;
  /** Of the volume. */
  #round: Promise<void> = Promise.resolve();
  #lastWishMs = 0;

  constructor(options: SourceSessionOptions) {
    this.#options = options;
    this.#state = sourceStart(options.mode);
    this.#run = new SessionRun(options, "source", options.ports.container);
    this.#watch = new StreamWatch(options.host.environment, options.progressTimeoutMs);
    this.#rounds = new SourceRounds({
      ...options,
      run: this.#run,
      volume: options.ports.volume,
      connection: () => this.#connected(),
      send: (message) => this.#send(message),
    });
    this.#dumping = new RepeatedDump({ ...options, run: this.#run, container: options.ports.container });
    this.#gateKeeper = new GateKeeper({
      socketPath: this.#run.folders.gateSocket,
      log: options.host.log,
      decide: (gate) => this.#decide(gate),
      pass: (passing) => this.#run.timeline.mark(passing),
    });
  }

  /** Runs to its end; resolves with the last report, never rejects. */
  run(): Promise<SessionReport> {
    void this.#limitTime();
    // Its end may have come first.
    if (!this.#run.isEnding) void this.#attempt(() => this.#begin());
    return this.#run.whileRunning(() => {
      this.#tell();
      this.#watchFilling();
      this.#watchProgress();
    });
  }

  /** Whether the server is the target's now, also where what ran of it was lost. */
  get isCommitted(): boolean {
    return ["filling", "committed", "lost"].includes(this.#state.phase);
  }

  /** Asks for an end; honoured until the commit. */
  cancel(reason: string): void {
    this.#fail(fail("migration-cancelled", { server: this.#options.identity.server, reason }));
  }

  /** What the controller has told by itself. */
  learnOutcome(outcome: "committed" | "aborted"): void {
    this.#dispatch({ type: "outcome", outcome });
  }

  async #begin(): Promise<void> {
    const { host, identity, mode, ports, target, ticket } = this.#options;
    const { folders, timeline } = this.#run;
    this.#freezer = freezerOf(ports.container);
    makeOperationFolders(folders, { freezer: this.#freezer });
    await this.#gateKeeper.listen();
    this.#run.save(false);
    const socket = await timeline.measure("connect", () =>
      dialSecurely({ tls: host.tls, environment: host.environment, ...target, node: identity.target }),
    );
    const pacer = new Pacer(host.environment, this.#options.bandwidthBytesPerSecond);
    const connection = new FrameConnection(socket, identity.target, pacer);
    this.#connection = connection;
    this.#memory = memorySource(mode, {
      host,
      server: identity.server,
      container: ports.container,
      folders,
      connection,
      send: (message) => this.#send(message),
      failed: (error) => connection.destroy(error),
    });
    connection.listen((frame) => this.#receive(frame));
    void connection.closed.then(() => this.#lose(connection.failure));
    await this.#send({ type: "hello", ticket, identity, mode, criuVersion: host.criuVersion });
  }

  #receive(frame: ReceivedFrame): undefined {
    this.#watch.heard();
    if (frame.header.channel !== channels.control)
      throw fail("stream-invalid", { reason: `channel ${frame.header.channel} is for the target only` });
    this.#take(decodeMessage(decompress(frame.payload, frame.header)));
  }

  #take(message: Message): void {
    const { identity } = this.#options;
    switch (message.type) {
      case "welcome":
        this.#rounds.targetHas(message.volumeBase);
        this.#dispatch({ type: "welcomed" });
        return;
      case "volume-received":
        this.#rounds.heard();
        return;
      case "round-received":
        this.#memory?.rounds?.heard();
        return;
      case "pages-wanted":
        this.#lastWishMs = this.#options.host.environment.monotonicMs();
        if (this.#state.phase === "filling") this.#options.host.failpoints.hit("migration.source.fill");
        this.#memory?.give(message);
        return;
      case "received":
        this.#watch.received();
        return;
      case "committed":
        this.#dispatch({ type: "outcome", outcome: "committed" });
        return;
      case "running":
        this.#run.timeline.mark("running");
        this.#running.resolve();
        return;
      case "filled":
        this.#run.timeline.mark("filled");
        this.#dispatch({ type: "filled" });
        return;
      case "refused":
        this.#fail(
          fail("target-refused", { server: identity.server, target: identity.target, reason: message.reason }),
        );
        return;
      case "hello":
      case "volume-begin":
      case "round-sent":
      case "rounds-ended":
      case "complete":
      case "aborted":
        throw fail("stream-invalid", { reason: `message ${message.type} is for the target only` });
    }
  }

  async #decide(gate: Gate): Promise<GateVerdict> {
    const { timeline } = this.#run;
    if (gate === "network-lock") {
      if (this.#state.phase !== "dumping") return "no";
      timeline.mark("frozen");
      const unsettled = await this.#unsettled();
      if (this.#state.phase !== "dumping") return "no";
      this.#dispatch({ type: "frozen", ...(unsettled === undefined ? {} : { unsettled }) });
      return this.#state.frozen ? "go" : "no";
    }
    if (gate !== "post-dump") return "go";
    timeline.mark("dumped");
    try {
      await Promise.race([this.#options.host.failpoints.reach("migration.source.post-dump"), this.#verdict.promise]);
      if (this.#run.isEnding) return await this.#verdict.promise;
      this.#totals = (await this.#memory?.dumped()) ?? this.#totals;
      timeline.mark("pages-sent");
      this.#dispatch({ type: "dumped" });
    } catch (thrown) {
      this.#fail(thrown);
    }
    return this.#verdict.promise;
  }

  /** What can't be looked at is left to CRIU. */
  #unsettled(): Promise<string | undefined> {
    const { host, ports } = this.#options;
    return unsettledSocket(ports.container, host.searchPath).catch((thrown: unknown) => {
      this.#run.log("sockets not looked at", thrown);
      return undefined;
    });
  }

  #dispatch(event: SourceEvent): void {
    const before = this.#state.phase;
    const step = sourceStep(this.#state, event);
    this.#state = step.state;
    if (this.#state.phase === "aborted") this.#run.timeline.mark("aborted");
    if (this.#state.phase === "filling") this.#lastWishMs = this.#options.host.environment.monotonicMs();
    for (const action of step.actions) this.#perform(action);
    if (this.#state.phase !== before) this.#tell();
  }

  #perform(action: SourceAction): void {
    const { ports } = this.#options;
    switch (action.type) {
      case "send-round":
        this.#round = this.#attempt(async () =>
          this.#dispatch(await this.#rounds.send(action.round, this.#memory?.rounds)),
        );
        return;
      case "start-dump":
        // Whoever ends the move waits for it from its start on.
        this.#runcExited = this.#attempt(() => this.#dump(action.mode));
        return;
      case "put-off-dump":
        this.#watch.heard();
        this.#dumping.putOff(action.reason);
        return;
      case "stop-server":
        void this.#attempt(() => this.#stopServer());
        return;
      case "isolate-network":
        this.#cutOff = this.#run.timeline.measure("isolate", () => ports.network.isolate());
        this.#cutOff.catch((thrown: unknown) => this.#fail(thrown));
        return;
      case "send-delta":
        this.#round = this.#attempt(async () => {
          await this.#rounds.sendDelta();
          this.#dispatch({ type: "delta-received" });
        });
        return;
      case "send-rest":
        void this.#attempt(() => this.#sendRest());
        return;
      case "ask-outcome":
        void this.#askOutcome();
        return;
      case "ask-abort":
        void this.#askAbort(action.reason);
        return;
      case "kill-tasks":
        this.#memory?.close();
        killTasks(ports.container);
        return;
      case "answer":
        void this.#answer(action.verdict);
        return;
      case "rejoin-network":
        this.#cutOff = this.#cutOff.catch(() => {}).then(() => ports.network.rejoin());
        this.#cutOff.catch((thrown: unknown) => this.#run.log("port not rejoined", thrown));
        return;
      case "start-server":
        this.#cutOff = this.#cutOff.catch(() => {}).then(() => ports.server.startAgain());
        this.#cutOff.catch((thrown: unknown) => this.#run.log("server not started again", thrown));
        return;
      case "finish":
        void this.#finish();
        return;
    }
  }

  /**
   * CRIU still holds the tasks when it gets its answer, so the freezer may let them go before. Unlocked, their connections ask their
   * clients to go on: with the port not back by then, the clients wait as long again as they did.
   */
  async #answer(verdict: GateVerdict): Promise<void> {
    if (verdict === "no") {
      await Promise.race([this.#cutOff.catch(() => {}), this.#run.waits(sourceLimits.rejoinMs)]);
      this.#memory?.close();
      if (this.#memory?.leavesPages === true && this.#freezer !== undefined) thaw(this.#freezer);
    }
    this.#verdict.resolve(verdict);
  }

  async #stopServer(): Promise<void> {
    this.#cutOff = this.#run.timeline.measure("stop", () => this.#options.ports.server.stop());
    await this.#cutOff;
    this.#options.host.failpoints.hit("migration.source.stopped");
    this.#dispatch({ type: "stopped" });
  }

  async #dump(mode: MoveMode): Promise<void> {
    const rounds = this.#memory?.rounds;
    if (rounds !== undefined) {
      rounds.end(mode);
      this.#run.goOverTo(mode);
      await this.#send({ type: "rounds-ended", mode: mode === "Hybrid" ? mode : "Precopy" });
      // It may have been given up meanwhile.
      if (this.#state.phase !== "dumping") return;
    }
    await this.#dumping.finish({
      earlier: rounds?.lastFolder,
      leavesPages: this.#memory?.leavesPages ?? false,
      freezer: this.#freezer,
      begun: (socket) => this.#memory?.beginDump(socket),
      failed: (reason) => this.#dispatch({ type: "dump-failed", reason }),
      isWanted: () => this.#state.phase === "dumping",
    });
  }

  async #sendRest(): Promise<void> {
    await this.#cutOff;
    completeImages(this.#run.folders.images, this.#options.ports.container);
    const files = await this.#run.timeline.measure("image-files", () =>
      sendImageFiles(this.#connected(), this.#run.folders.images),
    );
    await this.#send({ type: "complete", images: this.#totals.images, pages: this.#totals.pages, files });
    this.#run.timeline.mark("complete");
    this.#dispatch({ type: "sent" });
    if (await this.#run.waits(sourceLimits.handOverMs))
      this.#fail(
        fail("migration-timeout", { server: this.#options.identity.server, limitMs: sourceLimits.handOverMs }),
      );
  }

  async #askOutcome(): Promise<void> {
    await this.#run.waits(sourceLimits.outcomeEveryMs);
    const { ports, identity } = this.#options;
    const outcome = await ports.outcome(identity.operation).catch(() => "undecided" as const);
    this.#dispatch({ type: "outcome", outcome });
  }

  async #askAbort(reason: string): Promise<void> {
    const { ports, identity } = this.#options;
    const outcome = await ports.abort(identity.operation, reason).catch(() => "undecided" as const);
    this.#dispatch({ type: "outcome", outcome });
  }

  /** The server is in one place now, or in none; what is left is tidying up. */
  async #finish(): Promise<void> {
    if (!this.#run.beginEnd()) return;
    const { folders, timeline } = this.#run;
    const aborted = this.#state.phase === "aborted" ? this.#state.reason : undefined;
    if (aborted !== undefined) await sayAborted(this.#connection, aborted, (ms) => this.#run.waits(ms));
    await Promise.all([this.#rounds.dumped, this.#runcExited]);
    if (aborted !== undefined && this.#freezer !== undefined) thaw(this.#freezer);
    await this.#cutOff.catch(() => {});
    if (this.#state.phase === "committed") await this.#runningHeard();
    timeline.mark(aborted === undefined ? "stopped" : "resumed");
    await this.#rounds.abandon(fail("stream-closed", { peer: this.#options.identity.target }));
    await this.#round;
    const tidyUp = new Revert();
    tidyUp.add("run folder", () => removeFolder(folders.run));
    tidyUp.add("memory", () => this.#memory?.close());
    tidyUp.add("gate", () => this.#gateKeeper.close());
    tidyUp.add("snapshots", () => this.#options.ports.volume.release());
    const failures = await tidyUp.revert();
    const { host, identity } = this.#options;
    if (failures.length > 0) host.log.error({ migration: identity.operation, failures }, "source not tidied up");
    this.#connection?.end();
    // Its own page server, which comes last, begins them anew.
    const criu = this.#memory?.leavesPages === true ? undefined : readDumpStatistics(folders.work);
    host.log.info({ migration: identity.operation, side: "source", phase: this.#state.phase, criu }, "migration ended");
    if (aborted !== undefined) this.#remember(fail("target-refused", { ...identity, reason: aborted }));
    if (this.#state.phase === "lost")
      this.#run.replace(fail("post-copy-lost", { server: identity.server, reason: this.#state.reason }));
    this.#run.end(this.#report());
  }

  /** The target tells that its tasks run; if it can't, its own report has to do. */
  async #runningHeard(): Promise<void> {
    const limitMs = this.#options.mode === "Cold" ? sourceLimits.startedMs : sourceLimits.runningMs;
    await Promise.race([this.#running.promise, this.#connection?.closed, this.#run.waits(limitMs)]);
  }

  async #limitTime(): Promise<void> {
    const { timeoutMs, identity } = this.#options;
    if (await this.#run.waits(timeoutMs))
      this.#fail(fail("migration-timeout", { server: identity.server, limitMs: timeoutMs }));
  }

  /** A target that was cut off without a word doesn't close the connection. */
  #watchFilling(): void {
    const { host, identity } = this.#options;
    if (this.#state.phase !== "filling") return;
    if (host.environment.monotonicMs() - this.#lastWishMs < fillStallLimitMs) return;
    this.#connection?.destroy(fail("post-copy-stalled", { peer: identity.target, limitMs: fillStallLimitMs }));
  }

  #watchProgress(): void {
    if (this.#state.phase === "stopping") this.#watch.heard();
    const limitMs = this.#watch.passedLimitMs(sourcePhases[this.#state.phase], {
      wireBytes: this.#connection?.wireBytes ?? 0,
      isTargetsTurn: this.#connection?.isSending === true || this.#run.timeline.at("complete") !== undefined,
    });
    if (limitMs !== undefined) this.#fail(fail("migration-stalled", { ...this.#options.identity, limitMs }));
  }

  #attempt(work: () => Promise<void>): Promise<void> {
    return work().catch((thrown: unknown) => this.#fail(thrown));
  }

  /** Nothing that fails here after the commit changes whose the server is. */
  #fail(thrown: unknown): void {
    if (this.#run.isEnding || this.isCommitted) return;
    this.#dispatch({ type: "failed", reason: this.#remember(thrown) });
  }

  #lose(thrown: unknown): void {
    if (this.#run.isEnding) return;
    if (this.#state.phase !== "filling") this.#dispatch({ type: "peer-lost", reason: this.#remember(thrown) });
    else this.#dispatch({ type: "peer-lost", reason: messageOf(thrown) });
  }

  #remember(thrown: unknown): string {
    const { server } = this.#options.identity;
    return this.#run.remember(thrown, (reason, cause) => fail("volume-failed", { server, reason }, { cause }));
  }

  #connected(): FrameConnection {
    if (this.#connection === undefined) throw fail("stream-closed", { peer: this.#options.identity.target });
    return this.#connection;
  }

  #send(message: Message): Promise<void> {
    return this.#connected().send(channels.control, encodeMessage(message));
  }

  #tell(): void {
    if (!this.#run.isEnding) this.#options.onProgress(this.#report());
  }

  #report(): SessionReport {
    const { mode, limits } = this.#options;
    return sourceReport({
      state: this.#state,
      run: this.#run,
      memory: this.#memory,
      rounds: hasRounds(mode) ? { ended: this.#rounds.memory, limits } : undefined,
      volumeBytes: this.#rounds.volumeBytes,
      wireBytes: this.#connection?.wireBytes ?? 0,
    });
  }
}
