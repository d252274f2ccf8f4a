import { messageOf } from "@vfleet/shared";
import type { MigrationIdentity, SessionReport } from "@vfleet/criu-bridge/simulation";
import type { MoveMode } from "@vfleet/shared";
import type { PeerLine } from "../kernel/peer-line.ts";
import type { Process } from "../kernel/process.ts";
import type { Host } from "./host.ts";

const tellEveryMs = 1000;

/** What one side says to the other; the counter is all of the memory and all of the files there is. */
export type MoveMessage =
  | { type: "hello"; ticket: string; operation: string; mode: MoveMode }
  | { type: "welcome" }
  | { type: "volume"; round: number; frozen: boolean; counter: number }
  | { type: "volume-received" }
  | { type: "rounds-ended"; mode: MoveMode }
  | { type: "complete"; counter: number }
  | { type: "committed" | "running" | "pages-wanted" | "pages" | "filled" }
  | { type: "refused" | "aborted"; reason: string };

export interface MoveSite {
  host: Host;
  agent: Process;
}

/** What both sides of a simulated move have: their word of themselves, and their end. */
export class MoveRun {
  readonly site: MoveSite;
  readonly identity: MigrationIdentity;
  readonly side: "source" | "target";
  mode: MoveMode;
  line: PeerLine | undefined;
  error: string | undefined;
  isEnding = false;
  readonly #ended = Promise.withResolvers<void>();
  readonly #onProgress: (report: SessionReport) => void;
  #isOver = false;

  constructor(
    site: MoveSite,
    side: "source" | "target",
    options: { identity: MigrationIdentity; mode: MoveMode; onProgress: (report: SessionReport) => void },
  ) {
    this.site = site;
    this.side = side;
    this.identity = options.identity;
    this.mode = options.mode;
    this.#onProgress = options.onProgress;
  }

  /** Of CRIU's programs and images of this side. */
  get key(): string {
    return `${this.identity.operation}-${this.side}`;
  }

  /** Told every second until the end. */
  async whileRunning(phase: () => SessionReport["phase"]): Promise<void> {
    const stop = this.site.agent.environment.every(tellEveryMs, () => this.tell(phase()));
    await this.#ended.promise;
    stop();
  }

  tell(phase: SessionReport["phase"]): void {
    const none = { movedBytes: 0, memoryBytes: 0, volumeBytes: 0, wireBytes: 0, timeline: [] };
    const error = this.error === undefined ? {} : { error: { code: "simulated", message: this.error } };
    this.#onProgress({ phase, mode: this.mode, ...none, ...error });
  }

  /** For a next process of the agent. */
  save(ended: boolean): void {
    const { key, side, identity, mode } = this;
    this.site.host.sessions.set(key, { version: 1, side, identity, mode, container: identity.server, ended, pid: 1 });
  }

  end(phase: SessionReport["phase"]): void {
    this.#isOver = true;
    this.save(true);
    this.tell(phase);
    this.#ended.resolve();
  }

  /** False: it has ended before. */
  async waits(ms: number): Promise<boolean> {
    await this.site.agent.environment.sleep(ms);
    return !this.#isOver;
  }

  send(message: MoveMessage): void {
    this.line?.send(message);
  }

  /** The first failure is the one that is told. */
  remember(thrown: unknown): string {
    this.error ??= messageOf(thrown);
    return this.error;
  }
}
