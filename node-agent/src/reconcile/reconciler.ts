import type { Environment, Logger, NodeAssignment, ServerAssignment, ServerReport } from "@vfleet/shared";
import { agentError } from "../agent-error.ts";
import type { Engine } from "../engine/engine.ts";
import type { ImageStore } from "../engine/image/image-store.ts";
import type { AssignmentStore } from "./assignment-store.ts";
import type { RecordStore } from "./record-store.ts";
import { newServerRecord } from "./server-record.ts";
import type { ServerRecord } from "./server-record.ts";
import { ServerReconciler } from "./server-reconciler.ts";
import type { ServerLease } from "./server-reconciler.ts";

export interface ReconcilerOptions {
  engine: Engine;
  images: Pick<ImageStore, "want">;
  records: RecordStore;
  assignments: AssignmentStore;
  environment: Environment;
  log: Logger;
  bootId: string;
  lease: ServerLease;
  isMigrating: (uid: string) => boolean;
  onChange: () => void;
}

/** Every server is looked at so often even when nothing was heard of it. */
const resyncMs = 15_000;

/**
 * Makes the node be as it is assigned to be. Servers that are neither assigned nor released run on as they are. What a
 * migration does to the servers goes through here too, so that one place knows each server's epoch.
 */
export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #servers = new Map<string, ServerReconciler>();
  /** Containers that nothing is known of. */
  readonly #strays = new Set<string>();
  #revision = 0;
  /** Of the newest assignment. */
  #releases: NodeAssignment["releases"] = [];
  /** Assignments are applied one after the other. */
  #applying: Promise<unknown> = Promise.resolve();
  #stops: (() => void)[] = [];

  constructor(options: ReconcilerOptions) {
    this.#options = options;
  }

  get assignmentRevision(): number {
    return this.#revision;
  }

  /** Reads the records: epochs and who holds what are known from here on. */
  load(): Promise<void> {
    return this.#options.records.load();
  }

  /** Takes up what runs, cleans up what a crash left, and starts looking. Nothing starts that the controller hasn't confirmed in this boot. */
  async open(): Promise<void> {
    const { engine, records, assignments, environment, images, isMigrating } = this.#options;
    const known = records
      .all()
      .filter(({ assignment }) => assignment !== undefined)
      .map(({ uid }) => uid);
    for (const uid of await engine.runtime.list()) {
      // One that was being restored may be running by now; its session knows.
      if (!known.includes(uid) && !isMigrating(uid)) this.#strays.add(uid);
    }
    await this.#removeStrays();
    await engine.network.removeOthers([...known, ...(await engine.runtime.list())]);
    for (const { uid } of records.all()) this.#server(uid).wake();
    const last = await assignments.load();
    if (last !== undefined) {
      this.#revision = last.revision;
      this.#releases = last.releases;
      images.want(last.images);
    }
    this.#stops = [
      engine.runtime.watchExits((uid) => this.#servers.get(uid)?.wake()),
      environment.every(resyncMs, () => {
        this.wakeAll();
        void this.#removeStrays();
      }),
    ];
  }

  /** One that can't be removed is no reason for the others not to be looked after. */
  async #removeStrays(): Promise<void> {
    const { engine, log } = this.#options;
    for (const uid of this.#strays) {
      // Known by now: it came back, or is coming.
      const isWanted = this.record(uid)?.assignment !== undefined || this.#options.isMigrating(uid);
      try {
        if (!isWanted) {
          log.warn({ server: uid }, "container without a record is removed");
          await engine.removeContainer(uid);
        }
        this.#strays.delete(uid);
      } catch (thrown) {
        log.error({ server: uid, err: thrown }, "container without a record not removed");
      }
    }
  }

  close(): void {
    for (const stop of this.#stops) stop();
    for (const server of this.#servers.values()) server.stop();
  }

  /** The lease was granted or ran out. */
  leaseChanged(): void {
    for (const record of this.#options.records.all()) this.#options.lease.follow(record);
    this.wakeAll();
    this.#options.onChange();
  }

  wakeAll(): void {
    for (const server of this.#servers.values()) server.wake();
  }

  /**
   * An older revision than the last is dropped. Repeating one changes nothing, but confirms it after a boot. `term`: of the lease, in which
   * it is known to have been said. False: it was dropped.
   */
  apply(assignment: NodeAssignment, term: string | undefined): Promise<boolean> {
    const applied = this.#applying.catch(() => undefined).then(() => this.#apply(assignment, term));
    this.#applying = applied;
    return applied;
  }

  reports(): ServerReport[] {
    return [...this.#servers.values()].map((server) => server.report()).filter((report) => report !== undefined);
  }

  record(uid: string): ServerRecord | undefined {
    return this.#options.records.get(uid);
  }

  /** Throws `server-unknown` unless the server is assigned here. */
  assigned(uid: string): ServerAssignment {
    const assignment = this.record(uid)?.assignment;
    if (assignment === undefined) throw agentError("server-unknown", { uid });
    return assignment;
  }

  /** Resolves when nothing is being done about the server, such as deleting what an earlier stay left. */
  async settled(uid: string): Promise<void> {
    await this.#servers.get(uid)?.settled;
  }

  /** A migration takes the server out of the reconciler's hands, over restarts of the agent too. */
  async hold(uid: string, operation: string): Promise<void> {
    this.assigned(uid);
    await this.#save({ ...this.#recordOf(uid), heldBy: operation });
  }

  /** Servers in the hands of migrations. */
  held(): { uid: string; operation: string; epoch: number }[] {
    return this.#options.records
      .all()
      .flatMap(({ uid, heldBy, epoch }) => (heldBy === undefined ? [] : [{ uid, operation: heldBy, epoch }]));
  }

  /** The migration is over and the server stays here. */
  async letGo(uid: string): Promise<void> {
    const { heldBy: _heldBy, ...rest } = this.#recordOf(uid);
    await this.#save(rest);
    // What came by the move may have been released before it was here.
    const release = this.#releases.find((candidate) => candidate.uid === uid);
    if (release !== undefined) await this.#release(release);
  }

  /** A restore takes the server out of the reconciler's hands. Resolves when nothing else is being done about it. */
  async beginRestore(uid: string, operation: string): Promise<void> {
    this.assigned(uid);
    await this.#save({ ...this.#recordOf(uid), restoring: operation });
    await this.settled(uid);
  }

  /** It is to end with this checkpoint, which is not whole yet. */
  async beginSuspension(uid: string, checkpoint: string): Promise<void> {
    this.assigned(uid);
    await this.#save({ ...this.#recordOf(uid), suspending: checkpoint });
  }

  /** The checkpoint is whole, and nothing starts the server from here on; or there is none, and it runs on. Repeating it changes nothing. */
  async endSuspension(uid: string, end: "suspended" | "failed"): Promise<void> {
    const { suspending, ...rest } = this.#recordOf(uid);
    if (suspending === undefined) return;
    await this.#save(end === "suspended" ? { ...rest, isSuspended: true } : rest);
  }

  /** Servers that are being suspended. */
  suspending(): { uid: string; checkpoint: string }[] {
    return this.#options.records
      .all()
      .flatMap(({ uid, suspending }) => (suspending === undefined ? [] : [{ uid, checkpoint: suspending }]));
  }

  /** Ends a server that a restore holds, and leaves it so. Throws `server-not-stopped`. */
  endToRestore(uid: string): Promise<void> {
    return this.#server(uid).endToRestore();
  }

  /** It runs, restored; or it doesn't, and is started afresh where it was stopped for that. Repeating it changes nothing. */
  async endRestore(uid: string, end: "restored" | "failed"): Promise<void> {
    const { restoring, ...rest } = this.#recordOf(uid);
    if (restoring === undefined) return;
    if (end === "failed") return this.#save(rest);
    const { isStoppedToMove: _isStoppedToMove, isSuspended: _isSuspended, ended: _ended, ...running } = rest;
    await this.#save({ ...running, startedAtMs: this.#options.environment.nowMs() });
  }

  /** Servers in the hands of restores. */
  restoring(): { uid: string; operation: string }[] {
    return this.#options.records
      .all()
      .flatMap(({ uid, restoring }) => (restoring === undefined ? [] : [{ uid, operation: restoring }]));
  }

  /** Ends a server that a migration holds, and leaves it so. Throws `server-not-stopped`. */
  stopToMove(uid: string): Promise<void> {
    return this.#server(uid).stopToMove();
  }

  /** Starts a held server that was stopped to be moved and was not. If this fails, it is tried again once it is let go of. */
  startAgain(uid: string): Promise<void> {
    return this.#server(uid).startAgain();
  }

  /** Starts an adopted server that came stopped. The same. */
  startMoved(uid: string): Promise<void> {
    return this.#server(uid).startMoved();
  }

  /** A moved server belongs here from now on, under its new epoch. Throws `epoch-stale`. Held until `letGo`. */
  async adopt(server: ServerAssignment, operation: string, state: "running" | "stopped"): Promise<void> {
    const before = this.#recordOf(server.uid);
    // By an earlier process of the agent.
    if (before.heldBy === operation && before.epoch === server.epoch) return;
    if (server.epoch < before.epoch)
      throw agentError("epoch-stale", { uid: server.uid, epoch: server.epoch, highest: before.epoch });
    const { environment, bootId, lease } = this.#options;
    // Under this epoch it was said after the commit, and so after the move was prepared.
    const told = before.epoch === server.epoch ? before.assignment : undefined;
    await this.#save({
      version: 1,
      uid: server.uid,
      epoch: server.epoch,
      assignment: told ?? server,
      confirmedBoot: bootId,
      ...(lease.term === undefined ? {} : { confirmedTerm: lease.term }),
      heldBy: operation,
      restarts: before.restarts,
      ...(state === "running" ? { startedAtMs: environment.nowMs() } : { isStoppedToMove: true }),
    });
  }

  /** The server went elsewhere: container, port and volume are deleted here, and no epoch up to this one runs here again. */
  async handOver(uid: string, epoch: number): Promise<void> {
    const before = this.#recordOf(uid);
    await this.#save({ version: 1, uid, epoch: Math.max(epoch, before.epoch), restarts: 0 });
  }

  async #apply(assignment: NodeAssignment, term: string | undefined): Promise<boolean> {
    const { images, assignments, log } = this.#options;
    if (assignment.revision < this.#revision) {
      log.info({ revision: assignment.revision, applied: this.#revision }, "older assignment dropped");
      return false;
    }
    await assignments.save(assignment);
    this.#revision = assignment.revision;
    this.#releases = assignment.releases;
    images.want(assignment.images);
    await Promise.all([
      ...assignment.servers.map((server) => this.#accept(server, term)),
      ...assignment.releases.map((release) => this.#release(release)),
    ]);
    return true;
  }

  async #accept(server: ServerAssignment, term: string | undefined): Promise<void> {
    const before = this.#recordOf(server.uid);
    const isHandedOver = before.assignment === undefined && server.epoch === before.epoch;
    if (server.epoch < before.epoch || isHandedOver) {
      this.#options.log.warn(
        { server: server.uid, epoch: server.epoch, highest: before.epoch },
        "assignment under a stale epoch refused",
      );
      return;
    }
    const { bootId } = this.#options;
    const isConfirmed = before.confirmedBoot === bootId && (term === undefined || before.confirmedTerm === term);
    const isSame = isConfirmed && JSON.stringify(before.assignment) === JSON.stringify(server);
    if (isSame) this.#server(server.uid).wake();
    else {
      const confirmed = { confirmedBoot: bootId, ...(term === undefined ? {} : { confirmedTerm: term }) };
      await this.#save({ ...before, epoch: server.epoch, assignment: server, ...confirmed });
    }
  }

  async #release({ uid, epoch }: { uid: string; epoch: number }): Promise<void> {
    const before = this.record(uid);
    if (before?.assignment === undefined || before.epoch > epoch) return;
    const { namespace, name, generation } = before.assignment;
    await this.#save({
      leaving: { namespace, name, generation },
      version: 1,
      uid,
      epoch: Math.max(before.epoch, epoch),
      restarts: 0,
      ...(before.heldBy === undefined ? {} : { heldBy: before.heldBy }),
      ...(before.restoring === undefined ? {} : { restoring: before.restoring }),
    });
  }

  #recordOf(uid: string): ServerRecord {
    return this.record(uid) ?? newServerRecord(uid);
  }

  async #save(record: ServerRecord): Promise<void> {
    await this.#options.records.save(record);
    this.#server(record.uid).wake();
    this.#options.onChange();
  }

  #server(uid: string): ServerReconciler {
    const existing = this.#servers.get(uid);
    if (existing !== undefined) return existing;
    const { engine, records, environment, log, bootId, lease, isMigrating, onChange } = this.#options;
    const server = new ServerReconciler({
      uid,
      engine,
      records,
      environment,
      log,
      bootId,
      lease,
      isMigrating: () => isMigrating(uid),
      onChange,
    });
    this.#servers.set(uid, server);
    return server;
  }
}
