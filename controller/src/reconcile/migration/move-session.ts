import type { Environment, Logger, MigrationProgress, PrepareTarget, StartSource } from "@vfleet/shared";
import { codeOf, messageOf, preparedTargetSchema } from "@vfleet/shared";
import { z } from "zod";
import type { FleetLink } from "../../fleet/link.ts";
import type { Mark } from "./migration-measure.ts";
import { RateWindow } from "./rate-window.ts";
import type { MigrationView } from "./migration-view.ts";

export interface MoveSessionOptions {
  environment: Environment;
  log: Logger;
  link: FleetLink;
  operation: string;
  source: string;
  target: string;
  /** Milliseconds since the move's start, at this moment. */
  sinceStartMs: () => number;
  /** Something is new: look at the Migration again. */
  changed: () => void;
}

/** What the target's answer doesn't say. */
export type StartWish = Pick<StartSource, "uid" | "epoch" | "timeoutMs" | "options">;

const prepareTimeoutMs = 60_000;
const startTimeoutMs = 10_000;
const tellTimeoutMs = 3_000;
const attemptsMax = 4;
const retryMs = 1_000;

/**
 * What this controller said to both sides of a move and heard from them. Nothing here is needed to go on after a
 * restart: commands are repeatable, progress is sent again, and what was decided is in the ownership record.
 */
export class MoveSession {
  readonly #options: MoveSessionOptions;
  readonly #progress: { source?: MigrationProgress; target?: MigrationProgress } = {};
  readonly #rates = { source: new RateWindow(), target: new RateWindow() };
  readonly #marks: Mark[] = [];
  #state: MigrationView["session"]["state"] = "idle";
  #error: string | undefined;
  #heardAtMs: number;
  #movedAtMs: number;
  readonly #sideHeardAtMs: { source: number; target: number };
  #told = false;

  constructor(options: MoveSessionOptions) {
    this.#options = options;
    const nowMs = options.environment.monotonicMs();
    this.#heardAtMs = nowMs;
    this.#movedAtMs = nowMs;
    this.#sideHeardAtMs = { source: nowMs, target: nowMs };
  }

  view(): MigrationView["session"] {
    const { environment } = this.#options;
    return {
      state: this.#state,
      error: this.#error,
      silentMs: environment.monotonicMs() - this.#heardAtMs,
      stalledMs: environment.monotonicMs() - this.#movedAtMs,
      marks: this.#marks,
      told: this.#told,
    };
  }

  progress(side: "source" | "target"): MigrationProgress | undefined {
    return this.#progress[side];
  }

  quietMs(side: "source" | "target"): number {
    return this.#options.environment.monotonicMs() - this.#sideHeardAtMs[side];
  }

  /** Returns whether it is more than other numbers. Dropped where another node than that side's sent it. */
  hear(node: string, progress: MigrationProgress): boolean {
    if (node !== this.#options[progress.side]) return false;
    const before = this.#progress[progress.side];
    const rate = this.#rates[progress.side].measure(progress.movedBytes, this.#options.environment.monotonicMs());
    // Its own word is the better one.
    this.#progress[progress.side] = { ...(rate === undefined ? {} : { rateBytesPerSecond: rate }), ...progress };
    const nowMs = this.#options.environment.monotonicMs();
    this.#heardAtMs = nowMs;
    this.#sideHeardAtMs[progress.side] = nowMs;
    if (before?.phase !== progress.phase || before.movedBytes !== progress.movedBytes) this.#movedAtMs = nowMs;
    return before?.phase !== progress.phase;
  }

  /** Has the target prepare, then the source start. Returns at once. */
  command(prepare: PrepareTarget, start: StartWish): void {
    if (this.#state !== "idle") return;
    this.#state = "commanding";
    this.#command(prepare, start).then(
      () => this.#settle("started"),
      (thrown: unknown) => this.#settle("failed", messageOf(thrown)),
    );
  }

  /** Says what was decided to both, and again while they don't answer. Returns at once. */
  tell(outcome: "committed" | "aborted"): void {
    if (this.#told) return;
    this.#told = true;
    const { source, target, operation, log } = this.#options;
    for (const node of [source, target]) {
      this.#retried(() =>
        this.#options.link.command(
          node,
          { kind: "migration.outcome", operation, outcome },
          { result: z.unknown(), timeoutMs: tellTimeoutMs },
        ),
      )
        // The node asks by itself when it is back.
        .catch((thrown: unknown) =>
          log.warn({ node, operation, outcome, error: messageOf(thrown) }, "outcome not told"),
        );
    }
  }

  async #command(prepare: PrepareTarget, start: StartWish): Promise<void> {
    const { link, source, target, operation } = this.#options;
    this.#mark("prepare-target");
    const prepared = await this.#retried(() =>
      link.command(target, prepare, { result: preparedTargetSchema, timeoutMs: prepareTimeoutMs }),
    );
    this.#mark("start-source");
    const message: StartSource = {
      kind: "migration.start-source",
      operation,
      ...start,
      target: { node: target, endpoint: prepared.endpoint, versions: prepared.versions },
      ticket: prepared.ticket,
      mode: prepare.mode,
    };
    await this.#retried(() => link.command(source, message, { result: z.unknown(), timeoutMs: startTimeoutMs }));
  }

  /** Repeats what wasn't answered (an agent starts again, NATS was away), not what was refused. */
  async #retried<T>(send: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await send();
      } catch (thrown) {
        if (codeOf(thrown) !== "command-unanswered" || attempt === attemptsMax) throw thrown;
        await this.#options.environment.sleep(retryMs);
      }
    }
  }

  #mark(step: string): void {
    this.#marks.push({ step, atMs: this.#options.sinceStartMs() });
    this.#heardAtMs = this.#options.environment.monotonicMs();
  }

  #settle(state: "started" | "failed", error?: string): void {
    this.#state = state;
    this.#error = error;
    this.#heardAtMs = this.#options.environment.monotonicMs();
    this.#movedAtMs = this.#heardAtMs;
    this.#options.changed();
  }
}
