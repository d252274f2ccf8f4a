import { codeOf, messageOf, VfleetError, type MoveMode } from "@vfleet/shared";
import { operationFolders, type OperationFolders } from "./operation-folders.ts";
import type { RuncContainer } from "./ports.ts";
import { saveSession } from "./session-file.ts";
import type { SessionOptions } from "./session-options.ts";
import type { SessionReport } from "./session-report.ts";
import { Timeline } from "./timeline.ts";

const progressEveryMs = 200;

/** What both sides of a move have: their folders, their clock, their first failure and their last report. */
export class SessionRun {
  readonly folders: OperationFolders;
  readonly timeline: Timeline;
  #mode: MoveMode;
  readonly #options: SessionOptions;
  readonly #side: "source" | "target";
  readonly #container: RuncContainer;
  readonly #ended = Promise.withResolvers<SessionReport>();
  readonly #stop = new AbortController();
  #error: { code: string; message: string } | undefined;
  #isEnding = false;

  constructor(options: SessionOptions, side: "source" | "target", container: RuncContainer) {
    this.#options = options;
    this.#side = side;
    this.#container = container;
    this.#mode = options.mode;
    this.folders = operationFolders(options.host, options.identity.operation, side);
    this.timeline = new Timeline(options.host.environment);
  }

  /** How memory moves; rounds may go over to post-copy. */
  get mode(): MoveMode {
    return this.#mode;
  }

  goOverTo(mode: MoveMode): void {
    this.#mode = mode;
    this.save(false);
  }

  /** Calls `tick` a few times a second until the end; resolves with the last report. */
  whileRunning(tick: () => void): Promise<SessionReport> {
    const stopTicking = this.#options.host.environment.every(progressEveryMs, tick);
    return this.#ended.promise.finally(() => {
      stopTicking();
      this.#stop.abort();
    });
  }

  /** True for the first caller: the end comes once. */
  beginEnd(): boolean {
    const first = !this.#isEnding;
    this.#isEnding = true;
    return first;
  }

  get isEnding(): boolean {
    return this.#isEnding;
  }

  end(report: SessionReport): void {
    this.save(true);
    this.#options.onProgress(report);
    this.#ended.resolve(report);
  }

  /** Waits; shorter if the session ends. False: it has. */
  async waits(ms: number): Promise<boolean> {
    return this.#options.host.environment.sleep(ms, this.#stop.signal).then(
      () => true,
      () => false,
    );
  }

  get error(): { code: string; message: string } | undefined {
    return this.#error;
  }

  /** The first failure is the one that is told. `other` makes one of what has no code. Returns the first one's message. */
  remember(thrown: unknown, other: (reason: string, cause: unknown) => VfleetError): string {
    const error = thrown instanceof VfleetError ? thrown : other(messageOf(thrown), thrown);
    this.#error ??= { code: codeOf(error), message: error.message };
    return this.#error.message;
  }

  /** What came of the first failure is worse than that was. */
  replace(error: VfleetError): void {
    this.#error = { code: codeOf(error), message: error.message };
  }

  log(event: string, thrown: unknown): void {
    this.#options.host.log.error({ migration: this.#options.identity.operation, error: messageOf(thrown) }, event);
  }

  /** For a next process of the agent. `pid`: of the program that is to be waited for. */
  save(ended: boolean, pid?: number): void {
    saveSession(this.folders.sessionFile, {
      version: 1,
      side: this.#side,
      identity: this.#options.identity,
      mode: this.#mode,
      container: this.#container.id,
      ended,
      ...(pid === undefined ? {} : { pid }),
    });
  }
}
