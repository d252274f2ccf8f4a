import type { Migration, MigrationProgress, MigrationStatus, VirtualServer } from "@vfleet/shared";
import {
  endedMigrationPhases,
  imageKind,
  isMigrationEnded,
  migrationKind,
  moveModeSchema,
  nodeKind,
  timestamp,
  virtualServerKind,
} from "@vfleet/shared";
import { imagePeersOf, serverAssignmentOf } from "../../fleet/assignment.ts";
import type { OwnershipRecord } from "../../ownership/record.ts";
import type { ReconcileContext } from "../context.ts";
import { keyOf, objectKeyOf } from "../context.ts";
import { admitMigration } from "./admit-migration.ts";
import { migrationFinalizer, migrationStep } from "./migration-step.ts";
import type { MigrationAction, MigrationView, SideView } from "./migration-view.ts";
import { moveWishes } from "./move-wishes.ts";
import { knownPath } from "./predict-pause.ts";
import { recentMoveOf, withRecentMoves } from "./recent-moves.ts";
import { MoveSession } from "./move-session.ts";

/** How often an unfinished move is looked at for limits and silence. */
const lookMs = 1000;
/** Numbers that move are written at most this often. */
const progressWriteMs = 250;
/** What runs on without this controller is heard of by itself within this time. */
const settlingMs = 2000;

export interface MigrationLoop {
  enqueue(key: string): void;
  enqueueAfter(key: string, delayMs: number): void;
}

/** Does what `migrationStep` says, and keeps the sessions of the moves under way. */
export class MigrationReconciler {
  readonly #context: ReconcileContext;
  readonly #loop: () => MigrationLoop;
  readonly #sessions = new Map<string, MoveSession>();
  /** Operations begun by this controller: nobody but it has commanded them. */
  readonly #begun = new Set<string>();

  constructor(context: ReconcileContext, loop: () => MigrationLoop) {
    this.#context = context;
    this.#loop = loop;
  }

  hear(node: string, progress: MigrationProgress): void {
    const migration = this.#context.store
      .list(migrationKind)
      .items.find((candidate) => candidate.metadata.uid === progress.operation);
    if (migration === undefined || migration.status?.sourceNode === undefined || isMigrationEnded(migration)) return;
    const isNews = this.#session(migration).hear(node, progress);
    if (isNews) this.#loop().enqueue(keyOf(migration));
    else this.#loop().enqueueAfter(keyOf(migration), progressWriteMs);
  }

  async reconcile(key: string): Promise<number | void> {
    const migration = this.#context.store.get(migrationKind, objectKeyOf(key));
    if (migration === undefined) return undefined;
    const { namespace } = migration.metadata;
    const server = this.#context.store.get(virtualServerKind, { namespace, name: migration.spec.server });
    const { status, actions } = migrationStep(this.#view(migration, server));
    if (status !== undefined) await this.#write(migration, status);
    for (const action of actions) await this.#act(action, migration, server);
    const current = this.#context.store.get(migrationKind, objectKeyOf(key));
    if (current === undefined || isMigrationEnded(current)) {
      this.#sessions.delete(migration.metadata.uid ?? "");
      this.#begun.delete(migration.metadata.uid ?? "");
      return undefined;
    }
    return lookMs;
  }

  #view(migration: Migration, server: VirtualServer | undefined): MigrationView {
    const { ownership, presence, environment } = this.#context;
    const operation = migration.metadata.uid ?? "";
    const uid = ownership.serverOfOperation(operation);
    const record = uid === undefined ? undefined : ownership.get(uid);
    const session = migration.status?.sourceNode === undefined ? undefined : this.#session(migration);
    const side = (name: "source" | "target"): SideView => {
      const node = migration.status?.[`${name}Node`] ?? "";
      return {
        presence: presence.of(node),
        progress: session?.progress(name),
        quietMs: session?.quietMs(name) ?? 0,
        held: presence.serverReport(node, uid ?? ""),
        hasReported: presence.report(node) !== undefined,
      };
    };
    return {
      migration,
      server,
      operation: record === undefined ? undefined : operationOf(record, operation),
      source: side("source"),
      target: side("target"),
      session: session?.view() ?? {
        state: "idle",
        error: undefined,
        silentMs: 0,
        stalledMs: 0,
        marks: [],
        told: false,
      },
      isSettling: presence.uptimeMs() < settlingMs && !this.#begun.has(operation),
      now: timestamp(environment),
    };
  }

  #session(migration: Migration): MoveSession {
    const { environment, log, link } = this.#context;
    const operation = migration.metadata.uid ?? "";
    const existing = this.#sessions.get(operation);
    if (existing !== undefined) return existing;
    const startedAtMs = Date.parse(migration.status?.startedAt ?? timestamp(environment));
    const session = new MoveSession({
      environment,
      log,
      link,
      operation,
      source: migration.status?.sourceNode ?? "",
      target: migration.status?.targetNode ?? "",
      sinceStartMs: () => Math.max(0, environment.nowMs() - startedAtMs),
      changed: () => this.#loop().enqueue(keyOf(migration)),
    });
    this.#sessions.set(operation, session);
    return session;
  }

  async #act(action: MigrationAction, migration: Migration, server: VirtualServer | undefined): Promise<void> {
    const { ownership, store } = this.#context;
    const operation = migration.metadata.uid ?? "";
    const uid = ownership.serverOfOperation(operation) ?? server?.metadata.uid ?? "";
    switch (action.kind) {
      case "admit":
        return this.#admit(migration, server);
      case "begin": {
        this.#begun.add(operation);
        const result = await ownership.begin(uid, { id: operation, target: migration.status?.targetNode ?? "" });
        if (result.outcome === "refused") await ownership.abort(uid, { id: operation, reason: result.reason });
        this.#loop().enqueue(keyOf(migration));
        return;
      }
      case "command":
        return this.#command(migration, server);
      case "abort":
        await ownership.abort(uid, { id: operation, reason: action.reason });
        this.#loop().enqueue(keyOf(migration));
        return;
      case "tell":
        this.#session(migration).tell(action.outcome);
        return;
      case "let-go":
        await store.mutate(migrationKind, migration.metadata, (draft) => {
          draft.metadata.finalizers = (draft.metadata.finalizers ?? []).filter(
            (finalizer) => finalizer !== migrationFinalizer,
          );
        });
    }
  }

  async #admit(migration: Migration, server: VirtualServer | undefined): Promise<void> {
    const { store, ownership, presence, placement, config, environment, fleet } = this.#context;
    await placement.take(async () => {
      const now = timestamp(environment);
      const admittance = admitMigration({
        migration,
        server,
        owner: ownership.get(server?.metadata.uid ?? ""),
        migrations: store.list(migrationKind).items,
        nodes: store.list(nodeKind).items,
        candidates: fleet.candidates,
        presence: (node) => presence.of(node),
        memoryBytes: presence.memoryBytes(server?.metadata.uid ?? ""),
        limits: config.migration,
        now,
      });
      if ("wait" in admittance)
        return this.#write(migration, { ...migration.status, phase: "Pending", ...admittance.wait });
      if ("refuse" in admittance)
        return this.#write(migration, { ...migration.status, phase: "Failed", ...admittance.refuse, endedAt: now });
      const { namespace } = migration.metadata;
      const key = keyOf({ metadata: { namespace, name: migration.spec.server } });
      const settle = fleet.assumeMove(key, admittance.start.targetNode ?? "");
      try {
        await store.mutate(migrationKind, migration.metadata, (draft) => {
          if (
            draft.metadata.uid !== migration.metadata.uid ||
            draft.metadata.deletionTimestamp !== undefined ||
            draft.spec.cancel
          )
            return false;
          draft.metadata.finalizers = [...new Set([...(draft.metadata.finalizers ?? []), migrationFinalizer])];
          draft.status = admittance.start;
          return undefined;
        });
        // One that waits is looked at again when something changes, or a second later.
        this.#loop().enqueue(keyOf(migration));
      } finally {
        settle();
      }
    });
  }

  #command(migration: Migration, server: VirtualServer | undefined): void {
    const { store, ownership } = this.#context;
    const owner = ownership.get(server?.metadata.uid ?? "");
    const { targetNode = "", sourceNode = "" } = migration.status ?? {};
    if (server === undefined || owner === undefined) return;
    const image = store.get(imageKind, { name: server.spec.image });
    const assignment = serverAssignmentOf(server, image, { ...owner, epoch: owner.epoch + 1 });
    if (assignment === undefined) return;
    const { options, timeoutMs } = moveWishes(server, migration.spec);
    const { fixedPauseMs } = knownPath(store.list(migrationKind).items, { source: sourceNode, target: targetNode });
    this.#session(migration).command(
      {
        kind: "migration.prepare-target",
        operation: migration.metadata.uid ?? "",
        server: assignment,
        source: { node: sourceNode },
        mode: moveModeSchema.parse(migration.status?.mode),
        imagePeers: imagePeersOf(image, (name) => store.get(nodeKind, { name }), targetNode),
        ticketLifetimeMs: timeoutMs,
      },
      { uid: assignment.uid, epoch: owner.epoch, timeoutMs, options: { ...options, fixedPauseMs } },
    );
  }

  /** Written with the server before its Migration ends: that may be deleted then. */
  async #remember(migration: Migration): Promise<void> {
    const { store, environment } = this.#context;
    const move = recentMoveOf(migration);
    const key = { namespace: migration.metadata.namespace, name: migration.spec.server };
    const server = store.get(virtualServerKind, key);
    if (move === undefined || server === undefined) return;
    const isOfEarlier = (migration.metadata.creationTimestamp ?? "") < (server.metadata.creationTimestamp ?? "");
    if (isOfEarlier) return;
    await store.mutate(
      virtualServerKind,
      key,
      (draft) => {
        if (draft.metadata.uid !== server.metadata.uid) return false;
        const recentMoves = withRecentMoves(draft.status?.recentMoves, [move], timestamp(environment));
        draft.status = { ...draft.status, recentMoves };
        return undefined;
      },
      { scope: "status" },
    );
  }

  async #write(migration: Migration, status: MigrationStatus): Promise<void> {
    const { store, events, ownership, migrationMetrics } = this.#context;
    const revision = ownership.revisionOf(ownership.serverOfOperation(migration.metadata.uid ?? "") ?? "");
    const isOpen = status.phase === "Preparing" || status.phase === "Syncing";
    const full =
      isOpen && revision !== undefined && status.ownershipRevision === undefined
        ? { ...status, ownershipRevision: revision }
        : status;
    await this.#remember({ ...migration, status: full });
    await store.mutate(
      migrationKind,
      migration.metadata,
      (draft) => {
        if (draft.metadata.uid !== migration.metadata.uid) return false;
        draft.status = full;
        return undefined;
      },
      { scope: "status" },
    );
    if (status.phase === migration.status?.phase || status.phase === undefined || status.phase === "Pending") return;
    if (endedMigrationPhases.includes(status.phase)) migrationMetrics.ended(status);
    const route = `${status.sourceNode ?? "?"} to ${status.targetNode ?? "?"}`;
    const message =
      status.message === undefined
        ? `${migration.spec.server}: ${route}`
        : `${migration.spec.server}: ${status.message}`;
    events.record(migration, { type: status.phase === "Failed" ? "Warning" : "Normal", reason: status.phase, message });
  }
}

function operationOf(record: OwnershipRecord, id: string): MigrationView["operation"] {
  return record.operation?.id === id ? record.operation : record.earlier.find((ended) => ended.id === id);
}
