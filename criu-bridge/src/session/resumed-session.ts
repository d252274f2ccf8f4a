import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { isPostCopyMode, messageOf, type MoveMode, type VfleetError } from "@vfleet/shared";
import type { Gate, GateVerdict } from "../criu/gate-script.ts";
import { fail } from "../errors.ts";
import type { MigrationIdentity, Outcome, SourcePorts, TargetPorts } from "./ports.ts";
import type { ResumedHost } from "./resumed-host.ts";
import { loadSession, type SessionRecord } from "./session-file.ts";
import type { SessionHost } from "./session-options.ts";

const askEveryMs = 500;
/** A restore that was let go on ends within this. */
const restoreLimitMs = 30_000;
const programEndLimitMs = 30_000;
const pollMs = 50;

/** A move that an earlier process of the agent had begun and not ended. */
export interface UnfinishedSession {
  side: "source" | "target";
  identity: MigrationIdentity;
  mode: MoveMode;
  /** Of runc. */
  container: string;
}

export function unfinishedSessions(host: Pick<SessionHost, "stateFolder">): UnfinishedSession[] {
  const parent = join(host.stateFolder, "operations");
  if (!existsSync(parent)) return [];
  return readdirSync(parent)
    .map((name) => loadSession(join(parent, name, "session.json")))
    .filter((record) => record !== undefined)
    .filter((record) => !record.ended);
}

/**
 * Ends a move for the process of the agent that began it and is gone. Its connection and page server are gone too, so nothing can go
 * on by itself; but a gate script may still be waiting, with the tasks frozen. The record decides, and the script is told.
 */
export class ResumedSession {
  readonly #host: ResumedHost;
  readonly #record: SessionRecord;
  readonly #verdict = Promise.withResolvers<GateVerdict>();
  readonly #asked = Promise.withResolvers<void>();
  #loss: VfleetError | undefined;

  constructor(host: ResumedHost) {
    this.#host = host;
    this.#record = host.record;
  }

  /** Frozen tasks stay frozen until the record has said what becomes of them. Resolves with that. */
  async endSource(ports: SourcePorts): Promise<"committed" | "aborted"> {
    const outcome = await this.#answering(async () => {
      // Nobody sends any more: unless it was committed already, it never will be.
      const decided = await this.#definite(() => ports.abort(this.#operation, "the source's agent was started again"));
      // In post-copy they may be frozen beside CRIU, which holds them until it has its answer.
      if (decided === "committed") this.#host.kill(ports.container);
      else this.#host.thaw(ports.container);
      this.#verdict.resolve(decided === "committed" ? "go" : "no");
      await this.#programGone();
      if (decided === "aborted") {
        this.#host.thaw(ports.container);
        await (this.#isCold
          ? this.#logged("server not started again", () => ports.server.startAgain())
          : this.#logged("port not rejoined", () => ports.network.rejoin()));
      }
      return decided;
    });
    await this.#logged("snapshots not removed", () => ports.volume.release());
    this.#end();
    return outcome;
  }

  /** Of a server that its host was told to let go of meanwhile: whatever became of the move, nothing of it goes on here. */
  async endReleased({ container }: Pick<SourcePorts, "container">): Promise<void> {
    await this.#answering(async () => {
      this.#host.kill(container);
      this.#verdict.resolve("go");
      await this.#programGone();
    });
    this.#end();
  }

  /** Why what ran of the server is gone, although the move was committed. */
  get loss(): VfleetError | undefined {
    return this.#loss;
  }

  /**
   * A restored server that waits for its commit gets its chance; anything earlier is given up. In post-copy the pages that are
   * missing can't be asked for any more: what was restored ends, before or after the commit; so it does in every mode where what fills
   * it has failed meanwhile. Of a cold move nothing waits; if it was committed all the same, it is started.
   */
  async endTarget(ports: TargetPorts): Promise<"committed" | "aborted"> {
    const { filling } = this.#host;
    const outcome = await this.#answering(async () => {
      const waits = await Promise.race([
        this.#asked.promise.then(() => true),
        this.#host.environment.sleep(this.#mayBeAsked ? askEveryMs : 0).then(() => false),
      ]);
      const decided = await this.#definite(() =>
        waits && !this.#needsSource && filling.state !== "failed"
          ? ports.commit(this.#operation)
          : ports.abort(this.#operation, "the target's agent was started again"),
      );
      if (decided === "committed") await this.#takeOver(ports);
      else this.#verdict.resolve("no");
      return decided;
    });
    if (outcome === "committed") {
      await this.#logged("server not recorded", () => ports.settled());
      await this.#logged("snapshots not removed", () => ports.volume.release());
    } else {
      filling.end();
      await this.#logged("container not removed", () => ports.discardContainer());
      await this.#logged("volume not removed", () => ports.volume.discard());
    }
    this.#end();
    return outcome;
  }

  async #takeOver(ports: TargetPorts): Promise<void> {
    const { filling } = this.#host;
    const { state } = filling;
    if (state === "failed" || (state === "running" && this.#needsSource)) this.#lose(ports);
    await (this.#isCold
      ? this.#logged("server not started", () => ports.server.start())
      : this.#logged("network not attached", () => ports.network.attach()));
    this.#verdict.resolve("go");
    if (this.#loss !== undefined || this.#isCold) return;
    await this.#setCgroups(ports);
    while (filling.state === "running") await this.#host.environment.sleep(pollMs);
    if (filling.state === "failed") this.#lose(ports);
  }

  /** Without their memory the tasks must not run on. */
  #lose({ container }: TargetPorts): void {
    const { server } = this.#record.identity;
    this.#loss = this.#needsSource
      ? fail("post-copy-lost", { server, reason: "the target's agent was started again" })
      : fail("lazy-pages-failed", { server, reason: this.#host.fillComplaint() });
    this.#host.kill(container);
    this.#host.filling.end();
  }

  /** As long as CRIU restores it is in the server's cgroup itself, and who is there keeps it from handing controllers on. */
  async #setCgroups({ container }: TargetPorts): Promise<void> {
    const { environment, log } = this.#host;
    const untilMs = environment.monotonicMs() + restoreLimitMs;
    for (;;) {
      try {
        this.#host.setCgroups(container);
        return;
      } catch (thrown) {
        if (environment.monotonicMs() < untilMs) await environment.sleep(pollMs);
        else {
          const error = messageOf(thrown);
          log.error({ migration: this.#operation, error }, "limits of the server's own cgroups not set");
          return;
        }
      }
    }
  }

  get #needsSource(): boolean {
    return isPostCopyMode(this.#record.mode);
  }

  get #isCold(): boolean {
    return this.#record.mode === "Cold";
  }

  get #mayBeAsked(): boolean {
    return !this.#isCold && this.#host.mayBeAsked;
  }

  get #operation(): string {
    return this.#record.identity.operation;
  }

  async #answering<T>(work: () => Promise<T>): Promise<T> {
    const keeper = await this.#host.answer((gate) => this.#decide(gate));
    try {
      return await work();
    } finally {
      keeper?.close();
    }
  }

  async #decide(gate: Gate): Promise<GateVerdict> {
    // A dump that only begins now has no page server.
    if (gate === "network-lock") return "no";
    if (gate === "post-restore") this.#asked.resolve();
    return this.#verdict.promise;
  }

  async #definite(ask: () => Promise<Outcome>): Promise<"committed" | "aborted"> {
    for (;;) {
      const outcome = await ask().catch((thrown: unknown) => {
        this.#host.log.info({ migration: this.#operation, error: messageOf(thrown) }, "outcome not known yet");
        return "undecided" as const;
      });
      if (outcome !== "undecided") return outcome;
      await this.#host.environment.sleep(askEveryMs);
    }
  }

  /** `runc checkpoint`: it was another process's child. */
  async #programGone(): Promise<void> {
    const { environment } = this.#host;
    const untilMs = environment.monotonicMs() + programEndLimitMs;
    while (this.#host.isProgramRunning && environment.monotonicMs() < untilMs) await environment.sleep(pollMs);
  }

  async #logged(event: string, work: () => Promise<void>): Promise<void> {
    await work().catch((thrown: unknown) =>
      this.#host.log.error({ migration: this.#operation, error: messageOf(thrown) }, event),
    );
  }

  #end(): void {
    // As of a session that was not cut off: the images can be the only copy of a lost server's memory.
    if (this.#loss === undefined || this.#needsSource) this.#host.removeImages();
    this.#host.saveEnded();
  }
}
