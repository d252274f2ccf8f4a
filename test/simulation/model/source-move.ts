import type { Readable } from "node:stream";
import {
  sourceLimits,
  sourcePhases,
  sourceStart,
  sourceStep,
  type SourceAction,
  type SourceEvent,
  type SourceSessionOptions,
  type SourceState,
} from "@vfleet/criu-bridge/simulation";
import type { SourceMove } from "@vfleet/node-agent/simulation";
import { hasRounds } from "@vfleet/shared";
import type { PeerLine } from "../kernel/peer-line.ts";
import { dump } from "./dump-program.ts";
import type { Mutants } from "./mutants.ts";
import { MoveRun, type MoveMessage, type MoveSite } from "./move-run.ts";

/** Of the mutant that doesn't wait for the record's word. */
const guessMs = 50;

export type SourceMoveOptions = Omit<SourceSessionOptions, "host">;

/** Does on a simulated host what the source's state machine says. */
export class SimulatedSourceMove implements SourceMove {
  readonly #options: SourceMoveOptions;
  readonly #run: MoveRun;
  readonly #dial: () => Promise<PeerLine>;
  readonly #mutants: Mutants;
  readonly #verdict = Promise.withResolvers<"go" | "no">();
  readonly #running = Promise.withResolvers<void>();
  #heard = Promise.withResolvers<void>();
  #state: SourceState;
  #gate: { close(): void } | undefined;
  #dumped: Promise<unknown> = Promise.resolve();
  #cutOff: Promise<void> = Promise.resolve();
  #isPutOff = false;
  #sentCounter = 0;

  constructor(site: MoveSite, options: SourceMoveOptions, more: { dial: () => Promise<PeerLine>; mutants: Mutants }) {
    this.#options = options;
    this.#dial = more.dial;
    this.#mutants = more.mutants;
    this.#run = new MoveRun(site, "source", options);
    this.#state = sourceStart(options.mode);
  }

  get isCommitted(): boolean {
    return ["filling", "committed", "lost"].includes(this.#state.phase);
  }

  cancel(reason: string): void {
    this.#fail(new Error(`cancelled: ${reason}`));
  }

  learnOutcome(outcome: "committed" | "aborted"): void {
    this.#dispatch({ type: "outcome", outcome });
  }

  async run(): Promise<void> {
    void this.#limit(this.#options.timeoutMs, "it takes too long");
    if (!this.#run.isEnding) void this.#attempt(() => this.#begin());
    await this.#run.whileRunning(() => sourcePhases[this.#state.phase]);
  }

  async #begin(): Promise<void> {
    const { host, agent } = this.#run.site;
    this.#gate = host.gates.listen(this.#run.key, agent, (gate) => this.#decide(gate));
    this.#run.save(false);
    const line = await this.#dial();
    this.#run.line = line;
    line.onMessage = (message) => this.#take(message as MoveMessage); // of the target's side
    void line.closed.then((reason) => this.#lose(reason));
    const { mode, ticket, identity } = this.#options;
    this.#run.send({ type: "hello", ticket, mode, operation: identity.operation });
  }

  #take(message: MoveMessage): void {
    switch (message.type) {
      case "welcome":
        this.#dispatch({ type: "welcomed" });
        return;
      case "volume-received":
        this.#heard.resolve();
        return;
      case "committed":
        this.#dispatch({ type: "outcome", outcome: "committed" });
        return;
      case "running":
        this.#running.resolve();
        return;
      case "pages-wanted":
        // Of frozen tasks; who killed them can't give any.
        if (this.#run.site.host.containers.get(this.#options.identity.server)?.state === "held")
          this.#run.send({ type: "pages" });
        else this.#run.line?.destroy("the tasks are gone");
        return;
      case "filled":
        this.#dispatch({ type: "filled" });
        return;
      case "refused":
        this.#fail(new Error(message.reason));
        return;
      case "hello":
      case "volume":
      case "rounds-ended":
      case "complete":
      case "pages":
      case "aborted":
        throw new Error(`message ${message.type} is for the target only`);
    }
  }

  async #decide(gate: string): Promise<"go" | "no"> {
    const { environment } = this.#run.site.agent;
    if (gate === "network-lock") {
      if (this.#state.phase !== "dumping") return "no";
      this.#dispatch({
        type: "frozen",
        ...(environment.random() < 0.1 ? { unsettled: "a message is under way" } : {}),
      });
      return this.#state.phase === "dumping" && this.#state.frozen ? "go" : "no";
    }
    if (!this.#run.isEnding) this.#dispatch({ type: "dumped" });
    return this.#verdict.promise;
  }

  #dispatch(event: SourceEvent): void {
    const before = this.#state.phase;
    const step = sourceStep(this.#state, event);
    this.#state = step.state;
    for (const action of step.actions) this.#perform(action);
    if (this.#state.phase !== before && !this.#run.isEnding) this.#run.tell(sourcePhases[this.#state.phase]);
  }

  #perform(action: SourceAction): void {
    const { ports, identity } = this.#options;
    const { host } = this.#run.site;
    switch (action.type) {
      case "send-round":
        void this.#attempt(() => this.#sendRound(action.round));
        return;
      case "start-dump":
        this.#dumped = this.#attempt(() => this.#dump(action.mode));
        return;
      case "put-off-dump":
        this.#isPutOff = true;
        return;
      case "stop-server":
        this.#cutOff = ports.server.stop();
        void this.#attempt(() => this.#cutOff.then(() => this.#dispatch({ type: "stopped" })));
        return;
      case "isolate-network":
        this.#cutOff = ports.network.isolate();
        this.#cutOff.catch((thrown: unknown) => this.#fail(thrown));
        return;
      case "send-delta":
        void this.#attempt(async () => {
          await this.#sendVolume(await ports.volume.sendFrozen(), { round: 0, frozen: true });
          this.#dispatch({ type: "delta-received" });
        });
        return;
      case "send-rest":
        void this.#attempt(() => this.#sendRest());
        return;
      case "ask-outcome":
        void this.#ask(sourceLimits.outcomeEveryMs, () => ports.outcome(identity.operation));
        return;
      case "ask-abort":
        void this.#ask(0, () => ports.abort(identity.operation, action.reason));
        return;
      case "kill-tasks":
        host.kill(identity.server);
        return;
      case "answer":
        void this.#answer(action.verdict);
        return;
      case "rejoin-network":
        this.#cutOff = this.#cutOff.catch(() => undefined).then(() => ports.network.rejoin());
        this.#cutOff.catch(() => undefined);
        return;
      case "start-server":
        this.#cutOff = this.#cutOff.catch(() => undefined).then(() => ports.server.startAgain());
        this.#cutOff.catch(() => undefined);
        return;
      case "finish":
        void this.#finish();
        return;
    }
  }

  /** A mutant: what is frozen goes on although nobody has said whose it is. */
  async #guess(): Promise<void> {
    if (!(await this.#run.waits(guessMs)) || this.#state.phase !== "waiting") return;
    void this.#options.ports.network.rejoin().catch(() => undefined);
    this.#verdict.resolve("no");
  }

  async #sendRound(round: number): Promise<void> {
    const { ports, limits } = this.#options;
    await this.#sendVolume(await ports.volume.sendRound(round, "lineage"), { round, frozen: false });
    const memory = hasRounds(this.#options.mode) ? this.#judge(round) : undefined;
    const { allowPostCopy } = limits;
    this.#dispatch({ type: "round-received", bytes: 1000, allowPostCopy, ...(memory === undefined ? {} : { memory }) });
  }

  #judge(round: number): "another" | "within" | "endless" {
    if (round < 2) return "another";
    return this.#run.site.agent.environment.random() < 0.5 ? "within" : "endless";
  }

  async #sendVolume(stream: Readable, about: { round: number; frozen: boolean }): Promise<void> {
    const { counter } = stream as unknown as { counter: number }; // what the simulated driver's streams are
    this.#heard = Promise.withResolvers<void>();
    const sent = about.frozen && this.#mutants.skipsDelta ? this.#sentCounter : counter;
    this.#sentCounter = counter;
    this.#run.send({ type: "volume", ...about, counter: sent });
    await this.#heard.promise;
  }

  async #dump(mode: SourceMoveOptions["mode"]): Promise<void> {
    const { host } = this.#run.site;
    if (mode !== this.#run.mode) {
      this.#run.mode = mode;
      this.#run.save(false);
    }
    if (hasRounds(mode)) this.#run.send({ type: "rounds-ended", mode });
    for (;;) {
      this.#isPutOff = false;
      const end = await dump(host, { uid: this.#options.identity.server, key: this.#run.key });
      if (end === "failed") this.#dispatch({ type: "dump-failed", reason: "CRIU could not" });
      if (!this.#isPutOff) {
        if (end === "failed") throw new Error("CRIU failed");
        return;
      }
      if (!(await this.#run.waits(sourceLimits.settleMs)) || this.#state.phase !== "dumping") return;
    }
  }

  async #sendRest(): Promise<void> {
    await this.#cutOff;
    const { host } = this.#run.site;
    this.#run.send({ type: "complete", counter: host.dumps.get(this.#run.key)?.counter ?? -1 });
    this.#dispatch({ type: "sent" });
    if (this.#mutants.thawsOnGuess) void this.#guess();
    await this.#limit(sourceLimits.handOverMs, "the target takes too long");
  }

  async #ask(afterMs: number, question: () => Promise<"committed" | "aborted" | "undecided">): Promise<void> {
    await this.#run.site.agent.environment.sleep(afterMs);
    this.#dispatch({ type: "outcome", outcome: await question().catch(() => "undecided" as const) });
  }

  async #answer(verdict: "go" | "no"): Promise<void> {
    if (verdict === "no")
      await Promise.race([this.#cutOff.catch(() => undefined), this.#run.waits(sourceLimits.rejoinMs)]);
    this.#verdict.resolve(verdict);
  }

  async #finish(): Promise<void> {
    if (this.#run.isEnding) return;
    this.#run.isEnding = true;
    const { ports } = this.#options;
    const { host } = this.#run.site;
    if (this.#state.phase === "aborted") this.#run.send({ type: "aborted", reason: this.#state.reason });
    await this.#dumped;
    await this.#cutOff.catch(() => undefined);
    if (this.#state.phase === "committed") {
      const limitMs = this.#options.mode === "Cold" ? sourceLimits.startedMs : sourceLimits.runningMs;
      await Promise.race([this.#running.promise, this.#run.line?.closed, this.#run.waits(limitMs)]);
    }
    await ports.volume.release().catch(() => undefined);
    this.#gate?.close();
    host.dumps.delete(this.#run.key);
    this.#run.line?.destroy("the move has ended");
    if (this.#state.phase === "aborted" || this.#state.phase === "lost") this.#run.remember(this.#state.reason);
    this.#run.end(this.#state.phase === "committed" ? "done" : "failed");
  }

  async #limit(ms: number, reason: string): Promise<void> {
    if (await this.#run.waits(ms)) this.#fail(new Error(reason));
  }

  #attempt(work: () => Promise<void>): Promise<void> {
    return work().catch((thrown: unknown) => this.#fail(thrown));
  }

  #fail(thrown: unknown): void {
    if (this.#run.isEnding || this.isCommitted) return;
    this.#dispatch({ type: "failed", reason: this.#run.remember(thrown) });
  }

  #lose(reason: string): void {
    if (!this.#run.isEnding) this.#dispatch({ type: "peer-lost", reason });
  }
}
