import { join } from "node:path";
import { codeOf, messageOf, Revert, VfleetError } from "@vfleet/shared";
import { checkpointArguments } from "../criu/arguments.ts";
import { lastComplaint, startInBackground } from "../criu/background-program.ts";
import { criuConfigurationText } from "../criu/configuration.ts";
import { GateKeeper } from "../criu/gate-keeper.ts";
import type { Gate, GateVerdict } from "../criu/gate-script.ts";
import { freezerOf, thaw, type Freezer } from "../criu/freezer.ts";
import { firstCriuError } from "../criu/log.ts";
import { readDumpStatistics } from "../criu/statistics.ts";
import { fail } from "../errors.ts";
import { pageBytes } from "../pages/page-server-protocol.ts";
import { PageServer, type PageTotals } from "../pages/page-server.ts";
import { decompress } from "../stream/compressor.ts";
import { channels } from "../stream/frame.ts";
import { FrameConnection } from "../stream/frame-connection.ts";
import type { ReceivedFrame } from "../stream/frame-parser.ts";
import { dialSecurely } from "../stream/secure-connection.ts";
import { sendImageFiles } from "./image-files.ts";
import { decodeMessage, encodeMessage, type Message } from "./messages.ts";
import {
  makeOperationFolders,
  operationFolders,
  removeFolder,
  replaceFile,
  type OperationFolders,
} from "./operation-folders.ts";
import type { SourcePorts } from "./ports.ts";
import { saveSession } from "./session-file.ts";
import type { SessionOptions } from "./session-options.ts";
import type { SessionPhase, SessionReport } from "./session-report.ts";
import { sourceStart, sourceStep, type SourceAction, type SourceEvent, type SourceState } from "./source-machine.ts";
import { Timeline } from "./timeline.ts";
import { sendVolume } from "./volume-channel.ts";

/** Descriptor of CRIU's socket to the page server; runc passes on what it was given. Above those that runc takes for itself. */
const pageSocket = 9;
const progressEveryMs = 200;
/** Between two questions to the record while nothing is decided. */
const outcomeEveryMs = 250;
/** How long the target may take to restore and commit before the source asks to abort. */
const handOverLimitMs = 30_000;
/** Between the commit and the target's word that the tasks run. */
const runningLimitMs = 3_000;

const phases: Record<SourceState["phase"], SessionPhase> = {
  connecting: "preparing",
  syncing: "syncing",
  dumping: "frozen",
  sending: "frozen",
  waiting: "frozen",
  committed: "cleaning",
  aborted: "failed",
};

export interface SourceSessionOptions extends SessionOptions {
  ports: SourcePorts;
  target: { address: string; port: number };
  ticket: string;
  /** The whole move, up to the commit. */
  timeoutMs: number;
}

/** Runs the source's side of one move: does what its state machine says and tells it what came of it. */
export class SourceSession {
  readonly #options: SourceSessionOptions;
  readonly #folders: OperationFolders;
  readonly #timeline: Timeline;
  readonly #ended = Promise.withResolvers<SessionReport>();
  readonly #verdict = Promise.withResolvers<GateVerdict>();
  readonly #running = Promise.withResolvers<void>();
  readonly #stop = new AbortController();
  readonly #gateKeeper: GateKeeper;
  #state: SourceState = sourceStart;
  #connection: FrameConnection | undefined;
  #pageServer: PageServer | undefined;
  #totals: PageTotals = { images: 0, pages: 0 };
  #runcExited: Promise<void> = Promise.resolve();
  #isolated: Promise<void> = Promise.resolve();
  #volumeBytes = 0;
  #freezer: Freezer | undefined;
  #targetHas: string | undefined;
  #roundReceived: (() => void) | undefined;
  #error: { code: string; message: string } | undefined;
  #finishing = false;

  constructor(options: SourceSessionOptions) {
    this.#options = options;
    this.#folders = operationFolders(options.host, options.identity.operation, "source");
    this.#timeline = new Timeline(options.host.environment);
    this.#gateKeeper = new GateKeeper({
      socketPath: this.#folders.gateSocket,
      log: options.host.log,
      decide: (gate) => this.#decide(gate),
      pass: (passing) => this.#timeline.mark(passing),
    });
  }

  /** Runs to its end; resolves with the last report, never rejects. */
  run(): Promise<SessionReport> {
    const stopProgress = this.#options.host.environment.every(progressEveryMs, () => this.#tell());
    void this.#limitTime();
    this.#begin().catch((thrown: unknown) => this.#fail(thrown));
    return this.#ended.promise.finally(() => {
      stopProgress();
      this.#stop.abort();
    });
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
    const { host, identity, ports, target, ticket } = this.#options;
    this.#freezer = freezerOf(ports.container);
    makeOperationFolders(this.#folders, this.#freezer);
    await this.#gateKeeper.listen();
    replaceFile(
      ports.container.criuConfigPath,
      criuConfigurationText({ gateScript: this.#folders.gateScript, pageSocket }),
    );
    this.#save(false);
    const socket = await this.#timeline.measure("connect", () =>
      dialSecurely({ tls: host.tls, address: target.address, port: target.port, node: identity.target }),
    );
    const connection = new FrameConnection(socket, identity.target);
    this.#connection = connection;
    connection.listen((frame) => this.#receive(frame));
    void connection.closed.then(() => this.#fail(connection.failure));
    await this.#send({ type: "hello", ticket, identity, criuVersion: host.criuVersion });
  }

  #receive(frame: ReceivedFrame): undefined {
    if (frame.header.channel !== channels.control)
      throw fail("stream-invalid", { reason: `channel ${frame.header.channel} is for the target only` });
    this.#take(decodeMessage(decompress(frame.payload, frame.header)));
  }

  #take(message: Message): void {
    switch (message.type) {
      case "welcome":
        this.#targetHas = message.volumeBase;
        this.#dispatch({ type: "welcomed" });
        return;
      case "volume-received":
        this.#roundReceived?.();
        return;
      case "committed":
        this.#dispatch({ type: "outcome", outcome: "committed" });
        return;
      case "running":
        this.#timeline.mark("running");
        this.#running.resolve();
        return;
      case "refused":
        this.#fail(
          fail("target-refused", {
            server: this.#options.identity.server,
            target: this.#options.identity.target,
            reason: message.reason,
          }),
        );
        return;
      case "hello":
      case "volume-begin":
      case "complete":
      case "aborted":
        throw fail("stream-invalid", { reason: `message ${message.type} is for the target only` });
    }
  }

  async #decide(gate: Gate): Promise<GateVerdict> {
    if (gate === "network-lock") {
      if (this.#state.phase !== "dumping") return "no";
      this.#timeline.mark("frozen");
      this.#dispatch({ type: "frozen" });
      return "go";
    }
    if (gate !== "post-dump") return "go";
    this.#timeline.mark("dumped");
    try {
      this.#options.host.failpoints.hit("migration.source.post-dump");
      this.#totals = (await this.#pageServer?.done) ?? this.#totals;
      this.#timeline.mark("pages-sent");
      this.#dispatch({ type: "dumped" });
    } catch (thrown) {
      this.#fail(thrown);
    }
    return this.#verdict.promise;
  }

  #dispatch(event: SourceEvent): void {
    const before = this.#state.phase;
    const step = sourceStep(this.#state, event);
    this.#state = step.state;
    for (const action of step.actions) this.#perform(action);
    if (this.#state.phase !== before) this.#tell();
  }

  #perform(action: SourceAction): void {
    const { ports, identity } = this.#options;
    switch (action.type) {
      case "send-round":
        this.#attempt(() => this.#sendRound(action.round));
        return;
      case "start-dump":
        this.#attempt(() => this.#dump());
        return;
      case "isolate-network":
        this.#isolated = this.#timeline.measure("isolate", () => ports.network.isolate());
        this.#isolated.catch((thrown: unknown) => this.#fail(thrown));
        return;
      case "send-delta":
        this.#attempt(() => this.#sendDelta());
        return;
      case "send-rest":
        this.#attempt(() => this.#sendRest());
        return;
      case "ask-outcome":
        void this.#askOutcome();
        return;
      case "ask-abort":
        void this.#askAbort(action.reason);
        return;
      case "answer":
        this.#verdict.resolve(action.verdict);
        if (action.verdict === "no") this.#pageServer?.close();
        return;
      case "rejoin-network":
        this.#isolated = this.#isolated.catch(() => {}).then(() => ports.network.rejoin());
        this.#isolated.catch((thrown: unknown) =>
          this.#options.host.log.error(
            { migration: identity.operation, error: messageOf(thrown) },
            "port not rejoined",
          ),
        );
        return;
      case "finish":
        void this.#finish();
        return;
    }
  }

  async #sendRound(round: number): Promise<void> {
    const bytes = await this.#timeline.measure(`volume-round-${round}`, async () =>
      this.#sendStream(await this.#options.ports.volume.sendRound(round, this.#targetHas), round, false),
    );
    this.#dispatch({ type: "round-received", bytes });
  }

  async #sendDelta(): Promise<void> {
    await this.#timeline.measure("volume-delta", async () =>
      this.#sendStream(await this.#options.ports.volume.sendFrozen(), 0, true),
    );
    this.#dispatch({ type: "delta-received" });
  }

  async #sendStream(stream: Parameters<typeof sendVolume>[1], round: number, frozen: boolean): Promise<number> {
    const connection = this.#connected();
    const received = new Promise<void>((resolve) => (this.#roundReceived = resolve));
    // Not awaited: a child's output is thrown away by Node when the child ends and nobody reads yet.
    const begun = this.#send({ type: "volume-begin", round, frozen });
    const [bytes] = await Promise.all([sendVolume(connection, stream), begun]);
    this.#volumeBytes += bytes;
    await received;
    return bytes;
  }

  async #dump(): Promise<void> {
    const { host, ports, identity } = this.#options;
    const connection = this.#connected();
    const pageServer = new PageServer({
      send: (buffer) => connection.sendInPlace({ channel: channels.pages, flags: 0, buffer }),
    });
    this.#pageServer = pageServer;
    pageServer.done.catch((thrown: unknown) => {
      // CRIU's own error says more; it comes when runc ends.
      host.log.info({ migration: identity.operation, error: messageOf(thrown) }, "page server closed");
    });
    const logFile = join(this.#folders.work, "runc-checkpoint.log");
    this.#timeline.mark("dump");
    const program = await startInBackground({
      program: host.programs.runc,
      arguments: checkpointArguments({
        container: ports.container,
        imagesFolder: this.#folders.images,
        workFolder: this.#folders.work,
      }),
      logFile,
      searchPath: host.searchPath,
      socketDescriptor: pageSocket,
    });
    if (program.socket !== undefined) pageServer.serve(program.socket);
    this.#save(false, program.pid);
    this.#runcExited = program.exited.then(({ code }) => {
      this.#timeline.mark("runc-checkpoint-ended");
      if (code === 0) return;
      const reason = firstCriuError(join(this.#folders.work, "dump.log")) ?? lastComplaint(logFile);
      this.#fail(fail("dump-failed", { server: identity.server, reason }));
    });
    await this.#runcExited;
  }

  async #sendRest(): Promise<void> {
    await this.#isolated;
    const files = await this.#timeline.measure("image-files", () =>
      sendImageFiles(this.#connected(), this.#folders.images),
    );
    await this.#send({ type: "complete", images: this.#totals.images, pages: this.#totals.pages, files });
    this.#timeline.mark("complete");
    this.#dispatch({ type: "sent" });
    await this.#options.host.environment.sleep(handOverLimitMs, this.#stop.signal).catch(() => {});
    this.#fail(fail("migration-timeout", { server: this.#options.identity.server, limitMs: handOverLimitMs }));
  }

  async #askOutcome(): Promise<void> {
    await this.#options.host.environment.sleep(outcomeEveryMs, this.#stop.signal).catch(() => {});
    const outcome = await this.#options.ports
      .outcome(this.#options.identity.operation)
      .catch(() => "undecided" as const);
    this.#dispatch({ type: "outcome", outcome });
  }

  async #askAbort(reason: string): Promise<void> {
    const outcome = await this.#options.ports
      .abort(this.#options.identity.operation, reason)
      .catch(() => "undecided" as const);
    this.#dispatch({ type: "outcome", outcome });
  }

  /** The server is in one place now; what is left is tidying up. */
  async #finish(): Promise<void> {
    if (this.#finishing) return;
    this.#finishing = true;
    const aborted = this.#state.phase === "aborted" ? this.#state.reason : undefined;
    if (aborted !== undefined) await this.#send({ type: "aborted", reason: aborted.slice(0, 4096) }).catch(() => {});
    await this.#runcExited;
    if (aborted !== undefined && this.#freezer !== undefined) thaw(this.#freezer);
    await this.#isolated.catch(() => {});
    if (aborted === undefined) await this.#runningHeard();
    this.#timeline.mark(aborted === undefined ? "stopped" : "resumed");
    const tidyUp = new Revert();
    tidyUp.add("run folder", () => removeFolder(this.#folders.run));
    tidyUp.add("page server", () => this.#pageServer?.close());
    tidyUp.add("gate", () => this.#gateKeeper.close());
    tidyUp.add("snapshots", () => this.#options.ports.volume.release());
    const failures = await tidyUp.revert();
    if (failures.length > 0)
      this.#options.host.log.error({ migration: this.#options.identity.operation, failures }, "source not tidied up");
    this.#connection?.end();
    this.#save(true);
    const criu = readDumpStatistics(this.#folders.work);
    const { host, identity } = this.#options;
    host.log.info({ migration: identity.operation, side: "source", phase: this.#state.phase, criu }, "migration ended");
    if (aborted !== undefined) this.#error ??= { code: "target-refused", message: aborted };
    const report = this.#report();
    this.#options.onProgress(report);
    this.#ended.resolve(report);
  }

  /** The target tells that its tasks run; if it can't, its own report has to do. */
  async #runningHeard(): Promise<void> {
    const limit = new AbortController();
    const limited = this.#options.host.environment.sleep(runningLimitMs, limit.signal).catch(() => {});
    await Promise.race([this.#running.promise, this.#connection?.closed, limited]);
    limit.abort();
  }

  async #limitTime(): Promise<void> {
    const { host, timeoutMs, identity } = this.#options;
    const passed = await host.environment.sleep(timeoutMs, this.#stop.signal).then(
      () => true,
      () => false,
    );
    if (passed) this.#fail(fail("migration-timeout", { server: identity.server, limitMs: timeoutMs }));
  }

  #attempt(work: () => Promise<void>): void {
    work().catch((thrown: unknown) => this.#fail(thrown));
  }

  /** The first failure is the one that is told. */
  #fail(thrown: unknown): void {
    if (this.#finishing || this.#state.phase === "committed") return;
    const error =
      thrown instanceof VfleetError
        ? thrown
        : fail(
            "volume-failed",
            { server: this.#options.identity.server, reason: messageOf(thrown) },
            { cause: thrown },
          );
    this.#error ??= { code: codeOf(error), message: error.message };
    this.#dispatch({ type: "failed", reason: this.#error.message });
  }

  #connected(): FrameConnection {
    if (this.#connection === undefined) throw fail("stream-closed", { peer: this.#options.identity.target });
    return this.#connection;
  }

  #send(message: Message): Promise<void> {
    return this.#connected().send(channels.control, encodeMessage(message));
  }

  #save(ended: boolean, pid?: number): void {
    saveSession(this.#folders.sessionFile, {
      version: 1,
      side: "source",
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
    const memoryBytes = (this.#pageServer?.pagesTaken ?? 0) * pageBytes;
    const pauseMs = this.#pauseMs();
    const committed = this.#state.phase === "committed";
    return {
      phase: this.#phase(),
      movedBytes: memoryBytes + this.#volumeBytes,
      memoryBytes,
      volumeBytes: this.#volumeBytes,
      wireBytes: this.#connection?.wireBytes ?? 0,
      ...(pauseMs === undefined ? {} : { pauseMs }),
      timeline: this.#timeline.steps(),
      ...(this.#error === undefined || committed ? {} : { error: this.#error }),
    };
  }

  /** Frozen until it is heard that the tasks run, there or here. */
  #pauseMs(): number | undefined {
    const begins = [this.#timeline.at("pre-dump"), this.#timeline.at("frozen")].filter((atMs) => atMs !== undefined);
    const endMs = this.#timeline.at("running") ?? this.#timeline.at("resumed");
    if (begins.length === 0 || endMs === undefined) return undefined;
    // The first is told without waiting and may come last.
    return Math.round(endMs - Math.min(...begins));
  }

  #phase(): SessionPhase {
    return this.#state.phase === "committed" && this.#finishing ? "done" : phases[this.#state.phase];
  }
}
