import type {
  ApiObject,
  Checkpoint,
  Image,
  Migration,
  MigrationProgress,
  Node,
  NodeReport,
  Restore,
  ServerReport,
  VirtualServer,
} from "@vfleet/shared";
import {
  checkpointKind,
  checkpointScheduleKind,
  disruptionBudgetKind,
  drainKind,
  imageKind,
  isMigrationEnded,
  isNodeReady,
  migrationKind,
  nodeKind,
  rebalancePolicyKind,
  rebalancePolicyName,
  restoreKind,
  virtualServerKind,
} from "@vfleet/shared";
import { FailoverReconciler } from "../failover/failover-reconciler.ts";
import { RebalanceReconciler } from "../rebalance/rebalance-reconciler.ts";
import type { StoreEvent, Watch } from "../store/object-store.ts";
import {
  changedServers,
  isEndpointChanged,
  isHeartbeatOnly,
  isSameHost,
  isToldChanged,
  isUseChanged,
  isSuspensionConcerned,
} from "./changes.ts";
import { CheckpointReconciler } from "./checkpoint/checkpoint-reconciler.ts";
import { RestoreReconciler } from "./checkpoint/restore-reconciler.ts";
import { SuspendReconciler } from "./suspend/suspend-reconciler.ts";
import { ScheduleReconciler } from "./checkpoint/schedule-reconciler.ts";
import type { ReconcileContext } from "./context.ts";
import { keyOf } from "./context.ts";
import { BudgetReconciler } from "./disruption/budget-reconciler.ts";
import { DrainReconciler } from "./drain/drain-reconciler.ts";
import { ImageReconciler } from "./image/image-reconciler.ts";
import { ReconcileLoop } from "./loop.ts";
import { MigrationReconciler } from "./migration/migration-reconciler.ts";
import { NodeReconciler } from "./node/node-reconciler.ts";
import { NodeWatch } from "./node/node-watch.ts";
import { ServerReconciler } from "./server/server-reconciler.ts";

/** What they write together is synced together. */
const serversParallel = 1024;
const nodesParallel = 256;
/** Budgets are counted anew at most this often. */
const budgetCountMs = 1000;
/** Who holds an image that is there is written down at most this often: a fleet gets a new one all at once. */
const imageHoldersMs = 500;
/** What makes room comes many at a time, and everyone who waits for a place is looked at then. */
const pendingMs = 20;

/**
 * The loops of every kind, and what makes each look: changes in the store, in ownership, in what nodes say. Which change
 * concerns which key is decided here only; what is to be done is found out by looking.
 */
export class Reconcilers {
  readonly #context: ReconcileContext;
  readonly #migration: MigrationReconciler;
  readonly #loops: Record<
    | "servers"
    | "nodes"
    | "images"
    | "migrations"
    | "drains"
    | "budgets"
    | "rebalance"
    | "checkpoints"
    | "suspensions"
    | "restores"
    | "schedules"
    | "failover",
    ReconcileLoop
  >;
  #watch: Watch | undefined;
  #nodeWatch: NodeWatch | undefined;
  #isPendingDue = false;

  constructor(context: ReconcileContext) {
    this.#context = context;
    const server = new ServerReconciler(context);
    const node = new NodeReconciler(context);
    const image = new ImageReconciler(context);
    const drain = new DrainReconciler(context);
    const budget = new BudgetReconciler(context);
    const rebalance = new RebalanceReconciler(context);
    const checkpoint = new CheckpointReconciler(context);
    const restore = new RestoreReconciler(context);
    const suspend = new SuspendReconciler(context);
    const schedule = new ScheduleReconciler(context);
    const failover = new FailoverReconciler(context, (server) => this.#loops.servers.enqueue(server));
    this.#migration = new MigrationReconciler(context, () => this.#loops.migrations);
    this.#loops = {
      servers: this.#loop("servers", (key) => server.reconcile(key), serversParallel),
      nodes: this.#loop("nodes", (key) => node.reconcile(key), nodesParallel),
      images: this.#loop("images", (key) => image.reconcile(key)),
      migrations: this.#loop("migrations", (key) => this.#migration.reconcile(key)),
      drains: this.#loop("drains", (key) => drain.reconcile(key)),
      budgets: this.#loop("budgets", (key) => budget.reconcile(key)),
      rebalance: this.#loop("rebalance", () => rebalance.reconcile()),
      suspensions: this.#loop("suspensions", (key) => suspend.reconcile(key)),
      checkpoints: this.#loop("checkpoints", (key) => checkpoint.reconcile(key)),
      restores: this.#loop("restores", (key) => restore.reconcile(key)),
      schedules: this.#loop("schedules", (key) => schedule.reconcile(key)),
      failover: this.#loop("failover", () => failover.reconcile()),
    };
  }

  start(): void {
    const { store, ownership, presence, environment, fleet } = this.#context;
    this.#nodeWatch = new NodeWatch({
      environment,
      nodes: () => [...presence.nodes(), ...fleet.candidates.map(({ name }) => name)],
      presence: (node) => presence.of(node),
      onLook: (node) => this.#loops.nodes.enqueue(node),
      onReturn: (node) => this.#enqueueServersOn(node),
    });
    this.#watch = store.watch(undefined, {}, (event) => this.#onStored(event));
    ownership.onChange((uid) => this.#onOwnership(uid));
    presence.onReport((report, previous) => this.#onReport(report, previous));
    this.#loops.rebalance.enqueue(rebalancePolicyName);
    this.#loops.failover.enqueue("fleet");
  }

  /** A side of a move says how it goes. */
  hearProgress(node: string, progress: MigrationProgress): void {
    this.#migration.hear(node, progress);
  }

  async close(): Promise<void> {
    this.#watch?.stop();
    this.#nodeWatch?.close();
    await Promise.all(Object.values(this.#loops).map((loop) => loop.close()));
  }

  #onStored(event: StoreEvent): void {
    const { object, type } = event;
    const { fleet } = this.#context;
    const key = keyOf(object);
    switch (object.kind) {
      case virtualServerKind.kind:
        if (isToldChanged(object as VirtualServer, event.previous as VirtualServer | undefined))
          this.#context.assignments.changedFor(this.#nodesOf(object.metadata.uid ?? ""));
        this.#loops.servers.enqueue(key);
        if (isSuspensionConcerned(event)) this.#loops.suspensions.enqueue(key);
        if (type === "DELETED") this.#enqueuePending();
        if (fleet.isMoving(key)) this.#enqueueMoves((server) => server === key);
        this.#enqueueBudgets(object);
        return;
      case nodeKind.kind:
        this.#loops.nodes.enqueue(key);
        this.#onNode(event);
        return;
      case imageKind.kind:
        this.#context.assignments.changed();
        this.#loops.images.enqueue(key);
        if (type === "DELETED" || isUseChanged(object as Image, event.previous as Image | undefined))
          this.#enqueuePending();
        return;
      case migrationKind.kind:
        this.#onMigration(event, key);
        this.#enqueueBudgets(object);
        return;
      case disruptionBudgetKind.kind:
        this.#loops.budgets.enqueue(key);
        return;
      case checkpointKind.kind:
        this.#loops.checkpoints.enqueue(key);
        this.#enqueueSuspensionOf(object as Checkpoint);
        this.#enqueueSchedules(object);
        return;
      case checkpointScheduleKind.kind:
        this.#loops.schedules.enqueue(key);
        return;
      case restoreKind.kind:
        this.#loops.restores.enqueue(key);
        // What is restored keeps its copies.
        this.#enqueueCheckpointOf(object as Restore);
        this.#enqueueOwners(object);
        return;
      case drainKind.kind:
        this.#loops.drains.enqueue(key);
        return;
      case rebalancePolicyKind.kind:
        this.#loops.rebalance.enqueue(rebalancePolicyName);
        return;
    }
  }

  /** That are told of a server: its owner, and who must let it go. */
  #nodesOf(uid: string): string[] {
    const { ownership, presence } = this.#context;
    const owner = ownership.get(uid)?.node;
    return [...(owner === undefined ? [] : [owner]), ...presence.holdersOf(uid)];
  }

  #onNode({ object, previous, type }: StoreEvent): void {
    if (previous !== undefined && isHeartbeatOnly(object as Node, previous as Node)) return;
    const { assignments } = this.#context;
    assignments.changedFor([object.metadata.name]);
    if (isEndpointChanged(object as Node, previous as Node | undefined)) assignments.changed();
    this.#enqueueImages();
    const isOther = type !== "MODIFIED" || isNodeReady(object as Node) !== isNodeReady(previous as Node);
    if (isOther) this.#enqueueServersOn(object.metadata.name);
    this.#enqueuePending();
    this.#enqueueMoves(() => true);
  }

  #enqueueServersOn(node: string): void {
    for (const server of this.#context.fleet.serversOn(node)) this.#loops.servers.enqueue(server);
  }

  #onMigration(event: StoreEvent, key: string): void {
    const { store } = this.#context;
    // Who else is moving decides who may begin, what a node must release, and what a drain does next.
    this.#loops.migrations.enqueue(key);
    // Its server left a node, or gave back what it had reserved.
    if (event.type === "DELETED" || isMigrationEnded(event.object as Migration)) this.#enqueuePending();
    const migration =
      store.get(migrationKind, event.object.metadata) ?? (event.object as { spec?: { server?: string } });
    const namespace = event.object.metadata.namespace ?? "default";
    if (migration.spec?.server !== undefined) {
      const name = migration.spec.server;
      const server = store.get(virtualServerKind, { namespace, name });
      this.#context.assignments.changedFor(this.#nodesOf(server?.metadata.uid ?? ""));
      this.#loops.servers.enqueue(`${namespace}/${name}`);
    }
    for (const drain of store.list(drainKind).items) this.#loops.drains.enqueue(keyOf(drain));
    for (const other of store.list(migrationKind).items) {
      if ((other.status?.phase ?? "Pending") === "Pending") this.#loops.migrations.enqueue(keyOf(other));
    }
  }

  #onOwnership(uid: string): void {
    const { store, ownership, assignments, fleet } = this.#context;
    const operation = ownership.get(uid)?.operation;
    assignments.changedFor(this.#nodesOf(uid));
    const server = fleet.serverOf(uid);
    if (server !== undefined) this.#loops.servers.enqueue(server);
    if (operation === undefined) return;
    const migration = store.list(migrationKind).items.find((candidate) => candidate.metadata.uid === operation.id);
    if (migration !== undefined) this.#loops.migrations.enqueue(keyOf(migration));
  }

  #onReport(report: NodeReport, previous: NodeReport | undefined): void {
    const { assignments } = this.#context;
    assignments.heard(report);
    this.#nodeWatch?.heard(report.node);
    if (report === previous) return;
    if (previous === undefined || !isSameHost(report, previous)) this.#loops.nodes.enqueue(report.node);
    const changed = changedServers(report, previous);
    for (const server of changed) this.#onServerReport(`${server.namespace}/${server.name}`);
    // What a node says of its own servers changes nothing of what it is told.
    const isOwn = ({ uid }: ServerReport) => this.#context.ownership.get(uid)?.node === report.node;
    if (previous === undefined || !changed.every(isOwn)) assignments.changedFor([report.node]);
    // First word since this controller began: what is bound there is no longer unheard of.
    if (previous === undefined) this.#enqueueServersOn(report.node);
    this.#enqueueCheckpoints(report, previous);
    if (JSON.stringify(previous?.images) !== JSON.stringify(report.images)) this.#enqueueImages();
  }

  #enqueueSuspensionOf({ metadata: { namespace }, spec }: Checkpoint): void {
    if (spec.stops) this.#loops.suspensions.enqueue(keyOf({ metadata: { namespace, name: spec.server } }));
  }

  /** The server that goes on from it. */
  #enqueueOwners({ metadata }: ApiObject): void {
    for (const { kind, name } of metadata.ownerReferences ?? [])
      if (kind === virtualServerKind.kind)
        this.#loops.suspensions.enqueue(keyOf({ metadata: { namespace: metadata.namespace, name } }));
  }

  #enqueueCheckpointOf({ metadata: { namespace }, spec }: Restore): void {
    this.#loops.checkpoints.enqueue(keyOf({ metadata: { namespace, name: spec.checkpoint } }));
  }

  /** Those that are being made at once. */
  #enqueueImages(): void {
    for (const image of this.#context.store.list(imageKind).items) {
      if (image.status?.digest === undefined) this.#loops.images.enqueue(keyOf(image));
      else this.#loops.images.enqueueAfter(keyOf(image), imageHoldersMs);
    }
  }

  /** What became of a checkpoint decides what its schedule keeps. */
  #enqueueSchedules({ metadata }: ApiObject): void {
    for (const { kind, name } of metadata.ownerReferences ?? []) {
      const { namespace } = metadata;
      if (kind === checkpointScheduleKind.kind) this.#loops.schedules.enqueue(keyOf({ metadata: { namespace, name } }));
    }
  }

  /** Ready ones too: the node may have lost some. */
  #enqueueCheckpoints(report: NodeReport, previous: NodeReport | undefined): void {
    const { store } = this.#context;
    if (JSON.stringify(previous?.checkpoints) !== JSON.stringify(report.checkpoints)) {
      const known = new Set([...report.checkpoints, ...(previous?.checkpoints ?? [])].map((held) => held.checkpoint));
      for (const checkpoint of store.list(checkpointKind).items)
        if (known.has(checkpoint.metadata.uid ?? "") || checkpoint.status?.node === report.node)
          this.#loops.checkpoints.enqueue(keyOf(checkpoint));
    }
    if (JSON.stringify(previous?.restores) !== JSON.stringify(report.restores)) {
      for (const restore of store.list(restoreKind).items)
        if (restore.status?.node === report.node) this.#loops.restores.enqueue(keyOf(restore));
    }
  }

  #onServerReport(key: string): void {
    this.#loops.servers.enqueue(key);
    if (this.#context.fleet.isMoving(key)) this.#enqueueMoves((server) => server === key);
  }

  /** Servers that wait for a place. */
  #enqueuePending(): void {
    const { environment, fleet } = this.#context;
    if (this.#isPendingDue) return;
    this.#isPendingDue = true;
    void environment.sleep(pendingMs).then(() => {
      this.#isPendingDue = false;
      for (const server of fleet.unplacedInOrder()) this.#loops.servers.enqueue(server);
    });
  }

  /** What a server or a move of this namespace has become changes how far they are used up; many change at once. */
  #enqueueBudgets({ metadata: { namespace } }: ApiObject): void {
    for (const budget of this.#context.store.list(disruptionBudgetKind, { namespace }).items)
      this.#loops.budgets.enqueueAfter(keyOf(budget), budgetCountMs);
  }

  #enqueueMoves(isOf: (server: string) => boolean): void {
    for (const migration of this.#context.store.list(migrationKind).items) {
      const server = `${migration.metadata.namespace}/${migration.spec.server}`;
      if (!isMigrationEnded(migration) && isOf(server)) this.#loops.migrations.enqueue(keyOf(migration));
    }
  }

  #loop(name: string, reconcile: (key: string) => Promise<number | void>, parallel = 16): ReconcileLoop {
    const { environment, log } = this.#context;
    return new ReconcileLoop({ name, environment, log, parallel, reconcile });
  }
}
