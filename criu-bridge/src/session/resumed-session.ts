import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { isPostCopyMode, messageOf, type MoveMode, type VfleetError } from "@vfleet/shared";
import { setImagedCgroups } from "../criu/cgroup-image.ts";
import { killTasks } from "../criu/container-tasks.ts";
import { freezerOf, thaw } from "../criu/freezer.ts";
import { GateKeeper } from "../criu/gate-keeper.ts";
import type { Gate, GateVerdict } from "../criu/gate-script.ts";
import { argumentsOf } from "../criu/process-table.ts";
import { fail } from "../errors.ts";
import { EarlierFilling } from "./earlier-filling.ts";
import { fillComplaint } from "./memory-target.ts";
import { operationFolders, removeFolder, type OperationFolders } from "./operation-folders.ts";
import type { MigrationIdentity, Outcome, SourcePorts, TargetPorts } from "./ports.ts";
import { loadSession, saveSession, type SessionRecord } from "./session-file.ts";
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
  readonly #host: SessionHost;
  readonly #record: SessionRecord;
  readonly #folders: OperationFolders;
  readonly #verdict = Promise.withResolvers<GateVerdict>();
  readonly #asked = Promise.withResolvers<void>();
  #loss: VfleetError | undefined;

  constructor(host: SessionHost, unfinished: UnfinishedSession) {
    this.#host = host;
    this.#folders = operationFolders(host, unfinished.identity.operation, unfinished.side);
    const record = loadSession(this.#folders.sessionFile);
    if (record === undefined) throw new Error(`no session of operation ${unfinished.identity.operation}`);
    this.#record = record;
  }

  /** Frozen tasks stay frozen until the record has said what becomes of them. Resolves with that. */
  async endSource(ports: SourcePorts): Promise<"committed" | "aborted"> {
    const outcome = await this.#answering(async () => {
      // Nobody sends any more: unless it was committed already, it never will be.
      const decided = await this.#definite(() => ports.abort(this.#operation, "the source's agent was started again"));
      // In post-copy they may be frozen beside CRIU, which holds them until it has its answer.
      if (decided === "committed") killTasks(ports.container);
      else this.#thaw(ports);
      this.#verdict.resolve(decided === "committed" ? "go" : "no");
      await this.#programGone();
      if (decided === "aborted") {
        this.#thaw(ports);
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
    const filling = new EarlierFilling(this.#folders, this.#record.pid);
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
      if (decided === "committed") await this.#takeOver(ports, filling);
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

  async #takeOver(ports: TargetPorts, filling: EarlierFilling): Promise<void> {
    const { state } = filling;
    if (state === "failed" || (state === "running" && this.#needsSource)) this.#lose(ports, filling);
    await (this.#isCold
      ? this.#logged("server not started", () => ports.server.start())
      : this.#logged("network not attached", () => ports.network.attach()));
    this.#verdict.resolve("go");
    if (this.#loss !== undefined || this.#isCold) return;
    await this.#setCgroups(ports);
    while (filling.state === "running") await this.#host.environment.sleep(pollMs);
    if (filling.state === "failed") this.#lose(ports, filling);
  }

  /** Without their memory the tasks must not run on. */
  #lose({ container }: TargetPorts, filling: EarlierFilling): void {
    const { server } = this.#record.identity;
    this.#loss = this.#needsSource
      ? fail("post-copy-lost", { server, reason: "the target's agent was started again" })
      : fail("lazy-pages-failed", { server, reason: fillComplaint(this.#folders.work) });
    killTasks(container);
    filling.end();
  }

  /** As long as CRIU restores it is in the server's cgroup itself, and who is there keeps it from handing controllers on. */
  async #setCgroups({ container }: TargetPorts): Promise<void> {
    const { environment, log } = this.#host;
    const untilMs = environment.monotonicMs() + restoreLimitMs;
    for (;;) {
      try {
        setImagedCgroups(this.#folders.images, container);
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
    return !this.#isCold && existsSync(this.#folders.gateSocket);
  }

  #thaw(ports: SourcePorts): void {
    const freezer = freezerOf(ports.container);
    if (freezer !== undefined) thaw(freezer);
  }

  get #operation(): string {
    return this.#record.identity.operation;
  }

  async #answering<T>(work: () => Promise<T>): Promise<T> {
    const keeper = existsSync(this.#folders.run)
      ? new GateKeeper({
          socketPath: this.#folders.gateSocket,
          log: this.#host.log,
          decide: (gate) => this.#decide(gate),
        })
      : undefined;
    await keeper?.listen();
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
    const { pid } = this.#record;
    const { environment } = this.#host;
    const untilMs = environment.monotonicMs() + programEndLimitMs;
    if (pid === undefined) return;
    while (argumentsOf(pid).length > 0 && environment.monotonicMs() < untilMs) await environment.sleep(pollMs);
  }

  async #logged(event: string, work: () => Promise<void>): Promise<void> {
    await work().catch((thrown: unknown) =>
      this.#host.log.error({ migration: this.#operation, error: messageOf(thrown) }, event),
    );
  }

  #end(): void {
    // As of a session that was not cut off: the images can be the only copy of a lost server's memory.
    if (this.#loss === undefined || this.#needsSource) removeFolder(this.#folders.run);
    saveSession(this.#folders.sessionFile, { ...this.#record, ended: true });
  }
}
