import { isDeepStrictEqual } from "node:util";
import type { VirtualServer, VirtualServerStatus } from "@vfleet/shared";
import {
  codeOf,
  imageKind,
  isMigrationEnded,
  migrationKind,
  nodeKind,
  timestamp,
  virtualServerKind,
} from "@vfleet/shared";
import { openOperation } from "../../ownership/record.ts";
import type { ReconcileContext } from "../context.ts";
import { keyOf, objectKeyOf } from "../context.ts";
import type { Pending } from "./place-server.ts";
import { pending, placeServer, unschedulable } from "./place-server.ts";
import { RoomMaker } from "./room-maker.ts";
import type { ServerAction, ServerView } from "./server-step.ts";
import { releaseFinalizer, serverStep } from "./server-step.ts";

/** How often a server that waits for something without an event of its own is looked at. */
const waitingMs = 1000;

/** Does what `serverStep` says. */
export class ServerReconciler {
  readonly #context: ReconcileContext;
  readonly #roomMaker: RoomMaker;

  constructor(context: ReconcileContext) {
    this.#context = context;
    this.#roomMaker = new RoomMaker(context);
  }

  async reconcile(key: string): Promise<number | void> {
    const server = this.#context.store.get(virtualServerKind, objectKeyOf(key));
    if (server === undefined) return undefined;
    const { status, actions } = serverStep(this.#view(server));
    if (status !== undefined) await this.#write(server, status);
    for (const action of actions) await this.#act(server, action);
    await this.#roomMaker.endNeedless(server);
    return server.metadata.deletionTimestamp === undefined ? undefined : waitingMs;
  }

  #view(server: VirtualServer): ServerView {
    const { store, ownership, presence, assignments, environment, fleet } = this.#context;
    const uid = server.metadata.uid ?? "";
    const owner = ownership.get(uid);
    const node = owner?.node ?? server.status?.nodeName ?? "";
    const operation = openOperation(owner);
    const migrations =
      operation === undefined && !fleet.isMoving(keyOf(server))
        ? []
        : store
            .list(migrationKind, { namespace: server.metadata.namespace })
            .items.filter((migration) => migration.spec.server === server.metadata.name);
    const active = migrations.find(
      (migration) => !isMigrationEnded(migration) && (migration.status?.phase ?? "Pending") !== "Pending",
    );
    return {
      server,
      owner,
      node: { presence: presence.of(node), exists: store.get(nodeKind, { name: node }) !== undefined },
      report: presence.serverReport(node, uid),
      holders: presence.holdersOf(uid).filter((holder) => holder !== node),
      // Only a deletion asks, and the answer costs making every assignment anew.
      isReleaseApplied: server.metadata.deletionTimestamp !== undefined && assignments.isApplied(presence.report(node)),
      migration: active?.metadata.name,
      isOperationOrphaned:
        operation !== undefined && !migrations.some((migration) => migration.metadata.uid === operation.id),
      failoverNote: this.#context.failoverNotes.get(uid),
      now: timestamp(environment),
    };
  }

  async #write(server: VirtualServer, status: VirtualServerStatus): Promise<void> {
    const { store, events } = this.#context;
    if (isDeepStrictEqual(status, server.status)) return;
    const before = server.status?.phase;
    await store.mutate(
      virtualServerKind,
      server.metadata,
      (draft) => {
        if (draft.metadata.uid !== server.metadata.uid) return false;
        // Moves write what they were by themselves, and may have done so meanwhile.
        const { recentMoves } = draft.status ?? {};
        draft.status = { ...status, ...(recentMoves === undefined ? {} : { recentMoves }) };
        return undefined;
      },
      { scope: "status" },
    );
    if (status.phase === before || status.phase === undefined) return;
    const message =
      status.message ?? (status.nodeName === undefined ? status.phase : `${status.phase} on ${status.nodeName}`);
    const isTrouble = status.phase === "Failed" || status.phase === "Unknown";
    events.record(server, { type: isTrouble ? "Warning" : "Normal", reason: status.phase, message });
  }

  async #act(server: VirtualServer, action: ServerAction): Promise<void> {
    const { store, ownership } = this.#context;
    const uid = server.metadata.uid ?? "";
    switch (action.kind) {
      case "add-finalizer":
        await store.mutate(virtualServerKind, server.metadata, (draft) => {
          if (draft.metadata.deletionTimestamp !== undefined) return false;
          draft.metadata.finalizers = [...new Set([...(draft.metadata.finalizers ?? []), releaseFinalizer])];
          return undefined;
        });
        return;
      case "place":
        return this.#place(server);
      case "claim":
        await ownership.claim(uid, action.node);
        return;
      case "abort-orphan":
        await ownership.abort(uid, { id: action.operation, reason: "its Migration was removed" });
        return;
      case "finalize":
        return this.#finalize(server, uid);
    }
  }

  /** Decided at once and counted as taken while it is being written: any number can be on their way, none sees less than all before it. */
  async #place(server: VirtualServer): Promise<void> {
    const { store, ownership, addresses, idBlocks, fleet, search, environment, events } = this.#context;
    const key = keyOf(server);
    // A write of which the outcome was not known: what the store has now is looked at.
    fleet.settle(key);
    const decision = fleet.deciding(key, () =>
      placeServer({
        server,
        image: store.get(imageKind, { name: server.spec.image }),
        candidates: fleet.candidates,
        allocations: fleet.allocations,
        addresses,
        idBlocks,
        search,
        now: timestamp(environment),
      }),
    );
    if ("pending" in decision) {
      fleet.settleNomination(key);
      return this.#wait(server, decision);
    }
    const node = decision.placed.nodeName ?? "";
    fleet.assumePlaced(key, decision.placed);
    try {
      await store.mutate(
        virtualServerKind,
        server.metadata,
        (draft) => {
          const isOther = draft.metadata.uid !== server.metadata.uid || draft.status?.nodeName !== undefined;
          if (isOther || draft.metadata.deletionTimestamp !== undefined) return false;
          draft.status = decision.placed;
          return undefined;
        },
        { scope: "status" },
      );
    } catch (thrown) {
      if (codeOf(thrown) !== "outcome-unknown") fleet.settle(key);
      throw thrown;
    }
    fleet.settle(key);
    if (store.get(virtualServerKind, server.metadata)?.status?.nodeName !== node) return;
    await ownership.claim(server.metadata.uid ?? "", node);
    events.record(server, { type: "Normal", reason: "Scheduled", message: `Placed on ${node}` });
  }

  async #wait(server: VirtualServer, decision: Pending): Promise<void> {
    const { store, environment, events } = this.#context;
    const isFull = decision.reason === unschedulable;
    const help = isFull ? await this.#roomMaker.makeFor(server) : undefined;
    const { message, pending: status } =
      help === undefined
        ? decision
        : pending({ server, now: timestamp(environment) }, decision.reason, `${decision.message}; ${help}`);
    const isNews = server.status?.message !== message;
    await store.mutate(
      virtualServerKind,
      server.metadata,
      (draft) => {
        if (draft.metadata.uid !== server.metadata.uid || draft.status?.nodeName !== undefined) return false;
        draft.status = status;
        return undefined;
      },
      { scope: "status" },
    );
    if (isNews) events.record(server, { type: "Warning", reason: "FailedScheduling", message });
  }

  async #finalize(server: VirtualServer, uid: string): Promise<void> {
    const { store, ownership } = this.#context;
    await ownership.drop(uid);
    try {
      await store.mutate(virtualServerKind, server.metadata, (draft) => {
        draft.metadata.finalizers = (draft.metadata.finalizers ?? []).filter(
          (finalizer) => finalizer !== releaseFinalizer,
        );
      });
    } catch (thrown) {
      if (codeOf(thrown) !== "not-found") throw thrown;
    }
  }
}
