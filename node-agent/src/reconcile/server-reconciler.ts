import { codeOf, messageOf } from "@vfleet/shared";
import type { Environment, Logger, ServerAssignment, ServerReport } from "@vfleet/shared";
import type { Engine } from "../engine/engine.ts";
import { agentError } from "../agent-error.ts";
import { backOffMs, lastingMs } from "./back-off.ts";
import type { RecordStore } from "./record-store.ts";
import { newServerRecord } from "./server-record.ts";
import type { ServerRecord } from "./server-record.ts";
import { isLeaseMissing, stepServer } from "./server-step.ts";
import type { ServerAction, ServerDecision, ServerSituation } from "./server-step.ts";

/** The host's lease, as far as servers depend on it. */
export interface ServerLease {
  /** None while it is not held. */
  readonly term: string | undefined;
  follow(record: ServerRecord): void;
  isArmed(uid: string): boolean;
  /** Whether it was ended for want of a lease, since this was asked last. */
  takeEnded(uid: string): boolean;
}

export interface ServerReconcilerOptions {
  uid: string;
  engine: Engine;
  records: RecordStore;
  environment: Environment;
  log: Logger;
  bootId: string;
  lease: ServerLease;
  isMigrating: () => boolean;
  /** Called when what would be reported changed. */
  onChange: () => void;
}

/** A bug that keeps deciding for something which changes nothing must not take the node's CPU. */
const actionsPerRound = 16;

/** Interprets the decisions about one server, one action at a time. */
export class ServerReconciler {
  readonly #options: ServerReconcilerOptions;
  readonly #log: Logger;
  #running = false;
  #settled: Promise<void> = Promise.resolve();
  #wanted = false;
  #failures = 0;
  #retryAtMs = 0;
  #failure: string | undefined;
  #timer: AbortController | undefined;
  #appliedLimits: string | undefined;
  #decision: ServerDecision = { action: { do: "nothing" }, phase: "Unknown" };

  constructor(options: ServerReconcilerOptions) {
    this.#options = options;
    this.#log = options.log.child({ server: options.uid });
  }

  get record(): ServerRecord {
    return this.#options.records.get(this.#options.uid) ?? newServerRecord(this.#options.uid);
  }

  /** Looks at the server now, or again when the action under way is done. */
  wake(): void {
    this.#wanted = true;
    if (this.#running) return;
    this.#running = true;
    this.#settled = this.#rounds().catch((thrown: unknown) => this.#log.error({ err: thrown }, "reconciling failed"));
  }

  /** Resolves when no action is under way. */
  get settled(): Promise<void> {
    return this.#settled;
  }

  stop(): void {
    this.#timer?.abort();
  }

  /** For the migration that holds it. The record says so before it happens, and nothing starts it before it is let go of. */
  async stopToMove(): Promise<void> {
    const { uid, engine, records } = this.#options;
    if ((await engine.runtime.inspect(uid)).state !== "running")
      throw agentError("server-not-stopped", { uid, reason: "it does not run" });
    await records.save({ ...this.record, isStoppedToMove: true });
    await engine.stopServer(uid);
  }

  /** For the restore that holds it: it is ended at once, running or not. What it would write down now is thrown away anyway. */
  async endToRestore(): Promise<void> {
    const { uid, engine, records } = this.#options;
    await records.save({ ...this.record, isStoppedToMove: true });
    await engine.removeContainer(uid);
    if ((await engine.runtime.inspect(uid)).state !== "none")
      throw agentError("server-not-stopped", { uid, reason: "it outlived SIGKILL" });
  }

  /** For the migration that holds it and could not move it: ends a stop that was begun, and starts it. Changes nothing otherwise. */
  async startAgain(): Promise<void> {
    const { uid, engine } = this.#options;
    if (this.record.isStoppedToMove !== true) return;
    if ((await engine.runtime.inspect(uid)).state !== "none") await engine.stopServer(uid);
    await this.startMoved();
  }

  /** For the migration that holds it and has moved it: starts it, once. Nothing of it was here before. */
  async startMoved(): Promise<void> {
    const { assignment, isStoppedToMove } = this.record;
    if (isStoppedToMove !== true) return;
    await this.#rest();
    if (assignment?.run === true) await this.#start();
  }

  report(): ServerReport | undefined {
    const { record } = this;
    const { assignment, leaving } = record;
    if (assignment === undefined)
      return leaving === undefined
        ? undefined
        : {
            uid: record.uid,
            namespace: leaving.namespace,
            name: leaving.name,
            epoch: record.epoch,
            phase: "Stopping",
            reason: "Released",
            restarts: 0,
            observedGeneration: leaving.generation,
          };
    const { phase, reason, message } = this.#decision;
    return {
      uid: record.uid,
      namespace: assignment.namespace,
      name: assignment.name,
      epoch: record.epoch,
      phase,
      ...(reason === undefined ? {} : { reason }),
      ...(message === undefined ? {} : { message }),
      ...(record.exitCode === undefined ? {} : { exitCode: record.exitCode }),
      restarts: record.restarts,
      ...(record.startedAtMs === undefined ? {} : { startedAtMs: record.startedAtMs }),
      observedGeneration: assignment.generation,
      endsWithLease: this.#options.lease.isArmed(record.uid),
    };
  }

  async #rounds(): Promise<void> {
    try {
      while (this.#wanted) {
        this.#wanted = false;
        this.#timer?.abort();
        for (let done = 0; done < actionsPerRound; done++) {
          const decision = stepServer(await this.#look(), this.#options.environment.monotonicMs());
          this.#show(decision);
          if (!(await this.#act(decision.action))) break;
        }
      }
    } finally {
      this.#running = false;
    }
  }

  async #look(): Promise<ServerSituation> {
    const { uid, engine, records, bootId, lease, isMigrating } = this.#options;
    await records.written(uid);
    const before = records.get(uid);
    const { record } = this;
    const [container, hasVolume, hasImage] = await Promise.all([
      engine.runtime.inspect(uid),
      engine.volumes.hasVolume(uid),
      record.assignment === undefined || record.assignment.image.digest === ""
        ? false
        : engine.volumes.hasImage(record.assignment.image.digest),
    ]);
    // A move may have brought it, and ended, in between: what there is now is no leftover then.
    if (records.get(uid) !== before) return this.#look();
    return {
      record,
      container,
      hasVolume,
      hasImage,
      isMigrating: isMigrating(),
      bootId,
      term: lease.term,
      retryAtMs: this.#retryAtMs,
      failure: this.#failure,
      areLimitsStale: this.#appliedLimits !== undefined && this.#appliedLimits !== limitsKey(record.assignment),
    };
  }

  #show(decision: ServerDecision): void {
    const before = this.#decision;
    this.#decision = decision;
    // A first look at a running server, after the agent was started again: its limits are what they were.
    if (decision.phase === "Running") this.#appliedLimits ??= limitsKey(this.record.assignment);
    if (before.phase !== decision.phase || before.reason !== decision.reason || before.message !== decision.message)
      this.#options.onChange();
  }

  /** Whether there may be more to do. */
  async #act(action: ServerAction): Promise<boolean> {
    const { environment } = this.#options;
    if (action.do === "nothing") return false;
    if (action.do !== "wait") return this.#attempt(action);
    this.#wakeIn(action.untilMs - environment.monotonicMs());
    return false;
  }

  async #attempt(action: Exclude<ServerAction, { do: "nothing" | "wait" }>): Promise<boolean> {
    try {
      await this.#do(action);
      return true;
    } catch (thrown) {
      this.#failures += 1;
      this.#failure = messageOf(thrown);
      const pauseMs = backOffMs(this.#failures);
      this.#retryAtMs = this.#options.environment.monotonicMs() + pauseMs;
      this.#log.warn({ action: action.do, code: codeOf(thrown), err: thrown, retryInMs: pauseMs }, "action failed");
      this.#wakeIn(pauseMs);
      // A start that failed shows as waiting; anything else is tried again later.
      return action.do === "start";
    }
  }

  async #do(action: Exclude<ServerAction, { do: "nothing" | "wait" }>): Promise<void> {
    const { uid, engine } = this.#options;
    switch (action.do) {
      case "start":
        return this.#start();
      case "stop":
        await engine.stopServer(uid);
        return this.#rest();
      case "clear":
        await engine.removeContainer(uid);
        return this.record.assignment?.run === true ? undefined : this.#rest();
      case "note-exit":
        return this.#noteExit(action.exitCode);
      case "adjust-limits":
        return this.#adjustLimits();
      case "delete":
        await engine.deleteServer(uid);
        await this.#forgetLeaving();
        this.#log.info("server deleted");
        this.#options.onChange();
    }
  }

  /** Nothing of it is left, unless it came back meanwhile. */
  async #forgetLeaving(): Promise<void> {
    const { leaving, ...rest } = this.record;
    if (leaving !== undefined && rest.assignment === undefined) await this.#options.records.save(rest);
  }

  async #start(): Promise<void> {
    const { engine, records, environment, onChange } = this.#options;
    const { assignment } = this.record;
    if (assignment === undefined) return;
    if (isLeaseMissing(this.record, this.#options.lease.term))
      throw agentError("lease-not-held", { uid: assignment.uid });
    await engine.startServer(assignment);
    this.#failure = undefined;
    this.#appliedLimits = limitsKey(assignment);
    await records.save({ ...this.record, startedAtMs: environment.nowMs() });
    onChange();
  }

  /** It was asked to be stopped: what happened before no longer counts. */
  async #rest(): Promise<void> {
    const {
      ended: _ended,
      startedAtMs: _startedAtMs,
      isStoppedToMove: _isStoppedToMove,
      isSuspended: _isSuspended,
      ...rest
    } = this.record;
    this.#failures = 0;
    this.#retryAtMs = 0;
    this.#failure = undefined;
    await this.#options.records.save(rest);
  }

  async #noteExit(exitCode: number | undefined): Promise<void> {
    const { uid, engine, records, environment, lease, onChange } = this.#options;
    await engine.removeContainer(uid);
    const { record } = this;
    if (lease.takeEnded(uid)) return this.#noteFenced();
    const { exitCode: _before, ...rest } = record;
    const noted = { ...rest, ...(exitCode === undefined ? {} : { exitCode }) };
    const policy = record.assignment?.restartPolicy ?? "Never";
    const isRestarted = policy === "Always" || (policy === "OnFailure" && exitCode !== 0);
    this.#log.info({ exitCode, restarted: isRestarted }, "server ended");
    const ranMs = environment.nowMs() - (record.startedAtMs ?? 0);
    this.#failures = ranMs >= lastingMs ? 1 : this.#failures + 1;
    this.#retryAtMs = environment.monotonicMs() + backOffMs(this.#failures);
    this.#failure = exitCode === undefined ? "Its command ended" : `Its command ended with ${exitCode}`;
    if (record.assignment?.run !== true) return this.#rest();
    await records.save(
      isRestarted
        ? { ...noted, restarts: record.restarts + 1 }
        : { ...noted, ended: exitCode === undefined ? {} : { exitCode } },
    );
    onChange();
  }

  /** It didn't end by itself, so that doesn't count as a restart; to one that is never restarted its host went down. */
  async #noteFenced(): Promise<void> {
    const { records, onChange } = this.#options;
    const { assignment } = this.record;
    this.#log.warn("server was ended, its host's lease ran out");
    await this.#rest();
    if (assignment?.run === true && assignment.restartPolicy === "Never")
      await records.save({ ...this.record, ended: {} });
    onChange();
  }

  async #adjustLimits(): Promise<void> {
    const { uid, engine } = this.#options;
    const { assignment } = this.record;
    if (assignment === undefined) return;
    await Promise.all([
      engine.runtime.updateLimits(uid, assignment.limits),
      engine.volumes.limitVolume(uid, assignment.limits.diskBytes),
    ]);
    this.#appliedLimits = limitsKey(assignment);
  }

  #wakeIn(ms: number): void {
    this.#timer?.abort();
    const timer = new AbortController();
    this.#timer = timer;
    this.#options.environment.sleep(Math.max(1, ms), timer.signal).then(
      () => this.wake(),
      () => undefined, // replaced by a later one
    );
  }
}

function limitsKey(assignment: ServerAssignment | undefined): string {
  return JSON.stringify(assignment?.limits ?? {});
}
