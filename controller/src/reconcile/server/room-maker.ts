import type { Migration, VirtualServer } from "@vfleet/shared";
import {
  codeOf,
  disruptionBudgetKind,
  isMigrationEnded,
  migrationKind,
  nodeKind,
  timestamp,
  virtualServerKind,
} from "@vfleet/shared";
import { demandOf } from "../../scheduler/placement.ts";
import type { PreemptionPlan, Victim } from "../../scheduler/preemption.ts";
import { planPreemption } from "../../scheduler/preemption.ts";
import type { ReconcileContext } from "../context.ts";
import { keyOf, objectKeyOf } from "../context.ts";
import { DisruptionRoom } from "../disruption/disruption-room.ts";
import { objectionToMode, unfitTargets } from "../migration/movability.ts";
import { moveWishes } from "../migration/move-wishes.ts";

/** Moves made for one server before it waits for others to make room. */
const attemptsMax = 12;
const pauseAfterFailureMs = 30_000;

/** Moves less important servers away, while they run, for one that fits nowhere. */
export class RoomMaker {
  readonly #context: ReconcileContext;

  constructor(context: ReconcileContext) {
    this.#context = context;
  }

  /** What is done for it, to be said beside why it waits; none: nothing can be. */
  async makeFor(server: VirtualServer): Promise<string | undefined> {
    const { fleet, store, placement } = this.#context;
    if (!fleet.hasLessImportant(demandOf(server).priority)) return undefined;
    // A move that another decision has just made is seen by this one.
    return placement.take(async () => {
      const own = store.list(migrationKind).items.filter((migration) => isFor(migration, server));
      const waitsFor = this.#waitsFor(own);
      if (waitsFor !== undefined) return waitsFor;
      const plan = this.#plan(server);
      if (plan === undefined) return undefined;
      for (const [index, move] of plan.moves.entries()) await this.#move(server, move, own.length + index + 1);
      return `${plan.moves.length} less important on "${plan.node}" moved away for it`;
    });
  }

  /** Room that is not needed any more isn't made: of a server that has found a place, or goes, moves that have not begun are cancelled. */
  async endNeedless({ metadata }: VirtualServer): Promise<void> {
    const { fleet, store } = this.#context;
    const moves = fleet.movesFor(metadata.uid ?? "");
    const now = moves.length === 0 ? undefined : store.get(virtualServerKind, metadata);
    const isWaiting = now?.status?.nodeName === undefined && metadata.deletionTimestamp === undefined;
    if (moves.length === 0 || (now !== undefined && isWaiting)) return;
    for (const move of moves) {
      const key = objectKeyOf(move);
      if (!isCancellable(store.get(migrationKind, key))) continue;
      await store.mutate(migrationKind, key, (draft) => {
        if (!isCancellable(draft)) return false;
        draft.spec.cancel = true;
        return undefined;
      });
    }
  }

  #waitsFor(own: readonly Migration[]): string | undefined {
    const open = own.filter((migration) => !isMigrationEnded(migration));
    if (open.length > 0) return `waits for ${open.map(({ metadata }) => `move "${metadata.name}"`).join(", ")}`;
    if (own.length >= attemptsMax) return `${own.length} moves of less important servers have not made room for it`;
    const now = Date.parse(timestamp(this.#context.environment));
    const failed = own.find(
      ({ status }) => status?.phase !== "Succeeded" && Date.parse(status?.endedAt ?? "") + pauseAfterFailureMs > now,
    );
    return failed === undefined
      ? undefined
      : `a move that should make room failed: ${failed.status?.message ?? "unknown"}; tried again soon`;
  }

  #plan(server: VirtualServer): PreemptionPlan | undefined {
    const { fleet } = this.#context;
    const demand = demandOf(server);
    const victims = this.#victims(demand.priority);
    return planPreemption({ candidates: fleet.candidates, demand, victimsOn: victims });
  }

  /** What runs, may be moved while it runs, isn't moving, and has budget to be moved. */
  #victims(below: number): (node: string) => Victim[] {
    const { store, fleet } = this.#context;
    const nodes = store.list(nodeKind).items;
    const migrations = store.list(migrationKind).items;
    const moving = new Set(
      migrations
        .filter((migration) => !isMigrationEnded(migration))
        .map(({ metadata: { namespace }, spec }) => keyOf({ metadata: { namespace, name: spec.server } })),
    );
    const budgets = store.list(disruptionBudgetKind).items;
    const servers = budgets.length === 0 ? [] : store.list(virtualServerKind).items;
    const room = new DisruptionRoom({ budgets, servers, migrations });
    return (node) => {
      const source = store.get(nodeKind, { name: node });
      return [...fleet.serversOn(node)].flatMap((key) => {
        const victim = store.get(virtualServerKind, objectKeyOf(key));
        if (victim === undefined || victim.metadata.deletionTimestamp !== undefined || moving.has(key)) return [];
        const demand = demandOf(victim);
        if (demand.priority >= below || victim.status?.phase !== "Running") return [];
        const wishes = moveWishes(victim);
        const mayMove = wishes.mode !== "Cold" && objectionToMode(victim, wishes, source) === undefined;
        if (!mayMove || room.objection(victim) !== undefined) return [];
        return [{ server: key, demand, unfit: unfitTargets(nodes, source, wishes.mode) }];
      });
    };
  }

  async #move(
    server: VirtualServer,
    { server: victim, targetNode }: PreemptionPlan["moves"][number],
    attempt: number,
  ): Promise<void> {
    const { store, events } = this.#context;
    const { namespace, name } = objectKeyOf(victim);
    const { apiVersion, kind, metadata } = server;
    const uid = metadata.uid ?? "";
    const migration = migrationKind.schema.parse({
      apiVersion: "vfleet.dev/v1",
      kind: "Migration",
      metadata: {
        name: `${name}-for-${uid.slice(0, 8)}-${attempt}`,
        namespace,
        ownerReferences: [{ apiVersion, kind, name: metadata.name, uid, controller: true }],
      },
      spec: { server: name, targetNode, reason: "Preemption" },
    });
    try {
      await store.create(migrationKind, migration);
    } catch (thrown) {
      if (codeOf(thrown) !== "already-exists") throw thrown;
      return;
    }
    const message = `Moved to ${targetNode} to make room for "${keyOf(server)}" of higher priority`;
    const moved = store.get(virtualServerKind, { namespace, name });
    if (moved !== undefined) events.record(moved, { type: "Normal", reason: "Preempted", message });
  }
}

function isCancellable(migration: Migration | undefined): boolean {
  return migration !== undefined && !migration.spec.cancel && (migration.status?.phase ?? "Pending") === "Pending";
}

function isFor({ metadata, spec }: Migration, server: VirtualServer): boolean {
  return (
    spec.reason === "Preemption" && metadata.ownerReferences?.some(({ uid }) => uid === server.metadata.uid) === true
  );
}
