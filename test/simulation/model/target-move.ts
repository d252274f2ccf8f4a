import type { Readable } from "node:stream";
import {
  targetLimits,
  targetPhases,
  targetStart,
  targetStep,
  type TargetAction,
  type TargetEvent,
  type TargetSessionOptions,
  type TargetState,
} from "@vfleet/criu-bridge/simulation";
import { isPostCopyMode } from "@vfleet/shared";
import type { PeerLine } from "../kernel/peer-line.ts";
import { MoveRun, type MoveMessage, type MoveSite } from "./move-run.ts";
import type { Mutants } from "./mutants.ts";

export type TargetMoveOptions = Omit<TargetSessionOptions, "host">;

/** How often pages are asked for in a post-copy until all are there. */
const pageTurns = 5;

/** Does on a simulated host what the target's state machine says. */
export class SimulatedTargetMove {
  readonly #options: TargetMoveOptions;
  readonly #run: MoveRun;
  readonly #mutants: Mutants;
  readonly #verdict = Promise.withResolvers<"go" | "no">();
  readonly #allPages = Promise.withResolvers<void>();
  #state: TargetState;
  #gate: { close(): void } | undefined;
  #restored: Promise<unknown> = Promise.resolve();
  #receiving: Promise<void> = Promise.resolve();
  #commitAskedMs: number | undefined;
  #pageTurns = 0;
  #isAbortAsked = false;

  constructor(site: MoveSite, options: TargetMoveOptions, mutants: Mutants) {
    this.#options = options;
    this.#mutants = mutants;
    this.#run = new MoveRun(site, "target", options);
    this.#state = targetStart(options.mode);
  }

  get mode(): TargetMoveOptions["mode"] {
    return this.#options.mode;
  }

  prepare(): void {
    const { host, agent } = this.#run.site;
    this.#gate = host.gates.listen(this.#run.key, agent, (gate) => this.#decide(gate));
    this.#run.save(false);
  }

  async run(): Promise<void> {
    void this.#limitTime();
    await this.#run.whileRunning(() => this.#phase);
  }

  accept(line: PeerLine): void {
    this.#run.line = line;
    line.onMessage = (message) => this.#take(message as MoveMessage); // of the source's side
    void line.closed.then((reason) => this.#dispatch({ type: "peer-lost", reason }));
    this.#dispatch({ type: "accepted" });
  }

  cancel(reason: string): void {
    if (this.#state.phase !== "committed") this.#fail(new Error(`cancelled: ${reason}`));
  }

  learnOutcome(outcome: "committed" | "aborted"): void {
    if (outcome === "aborted" && this.#state.phase !== "committing") this.cancel("the ownership record says aborted");
    else this.#dispatch({ type: "outcome", outcome });
  }

  #take(message: MoveMessage): void {
    const isReceiving = this.#state.phase === "receiving";
    switch (message.type) {
      case "volume":
        if (isReceiving) this.#receiving = this.#attempt(() => this.#receive(message.counter, message.frozen));
        return;
      case "rounds-ended":
        this.#run.mode = message.mode;
        this.#run.save(false);
        this.#dispatch({ type: "rounds-ended", mode: message.mode });
        return;
      case "complete":
        this.#run.site.host.dumps.set(this.#run.key, { counter: message.counter });
        if (isReceiving) void this.#receiving.then(() => this.#dispatch({ type: "complete" }));
        return;
      case "pages":
        this.#pageTurns += 1;
        if (this.#pageTurns >= pageTurns) this.#allPages.resolve();
        else this.#wantPages();
        return;
      case "aborted":
        this.#dispatch({ type: "peer-lost", reason: message.reason });
        return;
      case "hello":
      case "welcome":
      case "volume-received":
      case "committed":
      case "running":
      case "pages-wanted":
      case "filled":
      case "refused":
        throw new Error(`message ${message.type} is for the source only`);
    }
  }

  async #receive(counter: number, frozen: boolean): Promise<void> {
    const { volume } = this.#options.ports;
    await volume.receive({ counter } as unknown as Readable); // what the simulated driver's streams are
    if (frozen) await volume.activate();
    this.#run.send({ type: "volume-received" });
  }

  #decide(gate: string): Promise<"go" | "no"> {
    if (gate !== "post-restore" || this.#mutants.runsUncommitted) return Promise.resolve("go");
    this.#dispatch({ type: "restored" });
    return this.#verdict.promise;
  }

  #dispatch(event: TargetEvent): void {
    const before = this.#state.phase;
    const step = targetStep(this.#state, event);
    this.#state = step.state;
    for (const action of step.actions) this.#perform(action);
    if (this.#state.phase !== before && !this.#run.isEnding) this.#run.tell(this.#phase);
  }

  #perform(action: TargetAction): void {
    const { ports, identity } = this.#options;
    switch (action.type) {
      case "welcome":
        this.#run.send({ type: "welcome" });
        return;
      case "start-restore":
        void this.#attempt(() => this.#restoreAndFill());
        return;
      case "start-server":
        void this.#attempt(async () => {
          await ports.server.start();
          this.#dispatch({ type: "resuming" });
          this.#dispatch({ type: "filled" });
        });
        return;
      case "ask-commit":
        void this.#askCommit();
        return;
      case "answer":
        this.#verdict.resolve(action.verdict);
        return;
      case "tell-committed":
        this.#run.send({ type: "committed" });
        return;
      case "attach-network":
        void ports.network
          .attach()
          .catch(() => undefined)
          .then(() => this.#verdict.resolve("go"));
        return;
      case "tell-running":
        this.#run.send({ type: "running" });
        return;
      case "tell-filled":
        this.#run.send({ type: "filled" });
        return;
      case "tell-refused":
        this.#run.send({ type: "refused", reason: action.reason });
        return;
      case "ask-abort":
        void this.#askAbort(action.reason);
        return;
      case "kill-tasks":
        this.#run.site.host.kill(identity.server);
        this.#run.site.host.fillings.set(this.#run.key, "failed");
        return;
      case "finish":
        void this.#finish();
        return;
    }
  }

  async #restoreAndFill(): Promise<void> {
    const { host } = this.#run.site;
    host.fillings.set(this.#run.key, "running");
    if (isPostCopyMode(this.#run.mode)) this.#wantPages();
    else host.localFillings.add(this.#run.key);
    const folders = { imagesFolder: this.#run.key, workFolder: this.#run.key };
    const restored = this.#options.ports.restore({ ...folders, arguments: [] });
    this.#restored = restored.catch(() => undefined);
    await restored;
    if (this.#state.phase === "restoring") throw new Error("its tasks ran without asking to commit");
    this.#dispatch({ type: "resuming" });
    if (isPostCopyMode(this.#run.mode)) {
      await this.#allPages.promise;
      host.fillings.set(this.#run.key, "filled");
    } else while (host.fillings.get(this.#run.key) === "running") await this.#run.waits(10);
    this.#dispatch({ type: "filled" });
  }

  #wantPages(): void {
    void this.#run.waits(20).then(() => this.#run.send({ type: "pages-wanted" }));
  }

  async #askCommit(): Promise<void> {
    const nowMs = this.#run.site.agent.environment.monotonicMs();
    const isAgain = this.#commitAskedMs !== undefined;
    this.#commitAskedMs ??= nowMs;
    if (nowMs - this.#commitAskedMs > targetLimits.commitMs) {
      this.#dispatch({ type: "commit-limit" });
      return;
    }
    if (isAgain) await this.#run.waits(targetLimits.commitEveryMs);
    const { ports, identity } = this.#options;
    this.#dispatch({
      type: "outcome",
      outcome: await ports.commit(identity.operation).catch(() => "undecided" as const),
    });
  }

  async #askAbort(reason: string): Promise<void> {
    if (this.#isAbortAsked) await this.#run.waits(targetLimits.commitEveryMs);
    this.#isAbortAsked = true;
    const { ports, identity } = this.#options;
    const outcome = await ports.abort(identity.operation, reason).catch(() => "undecided" as const);
    this.#dispatch({ type: "outcome", outcome });
  }

  async #finish(): Promise<void> {
    if (this.#run.isEnding) return;
    this.#run.isEnding = true;
    const { ports } = this.#options;
    const { host } = this.#run.site;
    const isDiscarded = this.#state.phase === "discarded";
    await this.#restored;
    await this.#receiving;
    const steps = isDiscarded
      ? [() => ports.discardContainer(), () => ports.volume.discard()]
      : [() => ports.settled(), () => ports.volume.release()];
    for (const step of steps) await step().catch(() => undefined);
    host.dumps.delete(this.#run.key);
    host.fillings.delete(this.#run.key);
    this.#gate?.close();
    if (this.#state.phase !== "filled") this.#run.line?.destroy("the move has ended");
    if (this.#state.phase === "discarded" || this.#state.phase === "lost") this.#run.remember(this.#state.reason);
    this.#run.end(targetPhases[this.#state.phase]);
  }

  async #limitTime(): Promise<void> {
    if (!(await this.#run.waits(this.#options.timeoutMs))) return;
    if (this.#state.phase === "receiving" || this.#state.phase === "restoring")
      this.#fail(new Error("it takes too long"));
  }

  get #phase() {
    const isWaiting = this.#run.line === undefined && this.#state.phase === "receiving";
    return isWaiting ? "preparing" : targetPhases[this.#state.phase];
  }

  #attempt(work: () => Promise<void>): Promise<void> {
    return work().catch((thrown: unknown) => this.#fail(thrown));
  }

  #fail(thrown: unknown): void {
    if (!this.#run.isEnding) this.#dispatch({ type: "failed", reason: this.#run.remember(thrown) });
  }
}
