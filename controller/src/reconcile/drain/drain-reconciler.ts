import type { Drain } from "@vfleet/shared";
import {
  codeOf,
  disruptionBudgetKind,
  drainKind,
  migrationKind,
  nodeKind,
  timestamp,
  virtualServerKind,
} from "@vfleet/shared";
import type { ReconcileContext } from "../context.ts";
import { objectKeyOf, snapshotOf } from "../context.ts";
import { drainStep, endedDrainPhases } from "./drain-step.ts";
import type { DrainAction } from "./drain-view.ts";
import { stoppedByAnnotation } from "./drain-view.ts";

/** Cancels the drain's moves before it goes. */
const drainFinalizer = "vfleet.dev/drain";

/** How long the plan of a dry run is kept. */
const planKeptMs = 600_000;

/** How often an unfinished drain is looked at: room elsewhere and pauses after failures have no event of their own. */
const lookMs = 1000;

/** Does what `drainStep` says. */
export class DrainReconciler {
  readonly #context: ReconcileContext;

  constructor(context: ReconcileContext) {
    this.#context = context;
  }

  async reconcile(key: string): Promise<number | void> {
    const { store, environment, events, placement, presence, fleet, config } = this.#context;
    const drain = store.get(drainKind, objectKeyOf(key));
    if (drain === undefined) return undefined;
    const isEnded = endedDrainPhases.includes(drain.status?.phase ?? "Pending");
    if (await this.#keepFinalizer(drain, !isEnded && !drain.spec.dryRun)) return 0;
    if (isEnded) return this.#sweepPlan(drain);
    const { status } = await placement.take(async () => {
      const decision = drainStep({
        ...snapshotOf(store),
        drain,
        drains: store.list(drainKind).items,
        budgets: store.list(disruptionBudgetKind).items,
        candidates: fleet.candidates,
        memoryBytes: ({ metadata }) => presence.memoryBytes(metadata.uid ?? ""),
        limits: config.migration,
        now: timestamp(environment),
      });
      for (const action of decision.actions) await this.#act(drain, action);
      return decision;
    });
    await store.mutate(
      drainKind,
      objectKeyOf(key),
      (draft) => {
        if (draft.metadata.uid !== drain.metadata.uid) return false;
        draft.status = status;
        return undefined;
      },
      { scope: "status" },
    );
    if (status.phase !== drain.status?.phase && status.phase !== undefined) {
      const isTrouble = status.phase === "Blocked" || status.phase === "Failed";
      events.record(drain, {
        type: isTrouble ? "Warning" : "Normal",
        reason: status.phase,
        message: status.message ?? `Node ${drain.spec.node}`,
      });
    }
    return lookMs;
  }

  /** A plan is read at once or never: who asked for it may have been interrupted. Returns after how long to look again. */
  async #sweepPlan({ spec, status, metadata }: Drain): Promise<number | undefined> {
    if (!spec.dryRun || metadata.deletionTimestamp !== undefined) return undefined;
    const { store, environment } = this.#context;
    const leftMs = Date.parse(status?.endedAt ?? "") + planKeptMs - environment.nowMs();
    if (leftMs > 0) return leftMs;
    try {
      await store.delete(drainKind, { name: metadata.name }, { uid: metadata.uid });
    } catch (thrown) {
      if (codeOf(thrown) !== "not-found") throw thrown;
    }
    return undefined;
  }

  /** Returns whether it changed anything. */
  async #keepFinalizer(drain: Drain, isWanted: boolean): Promise<boolean> {
    const finalizers = drain.metadata.finalizers ?? [];
    if (
      finalizers.includes(drainFinalizer) === isWanted ||
      (isWanted && drain.metadata.deletionTimestamp !== undefined)
    )
      return false;
    await this.#context.store.mutate(drainKind, drain.metadata, (draft) => {
      const others = (draft.metadata.finalizers ?? []).filter((finalizer) => finalizer !== drainFinalizer);
      draft.metadata.finalizers = isWanted ? [...others, drainFinalizer] : others;
    });
    return true;
  }

  async #act(drain: Drain, action: DrainAction): Promise<void> {
    const { store } = this.#context;
    switch (action.kind) {
      case "cordon":
        await store.mutate(nodeKind, { name: action.node }, (draft) => void (draft.spec.unschedulable = true));
        return;
      case "uncordon":
        await store.mutate(nodeKind, { name: action.node }, (draft) => void delete draft.spec.unschedulable);
        return;
      case "cancel-move":
        await store.mutate(
          migrationKind,
          { namespace: action.namespace, name: action.name },
          (draft) => void (draft.spec.cancel = true),
        );
        return;
      case "stop":
        await store.mutate(virtualServerKind, { namespace: action.namespace, name: action.server }, (draft) => {
          draft.spec.runStrategy = "Stopped";
          draft.metadata.annotations = {
            ...draft.metadata.annotations,
            [stoppedByAnnotation]: drain.metadata.uid ?? "",
          };
        });
        return;
      case "start":
        await store.mutate(virtualServerKind, { namespace: action.namespace, name: action.server }, (draft) => {
          draft.spec.runStrategy = "Running";
          delete draft.metadata.annotations?.[stoppedByAnnotation];
        });
        return;
      case "move": {
        const migration = migrationKind.schema.parse({
          apiVersion: "vfleet.dev/v1",
          kind: "Migration",
          metadata: {
            name: action.name,
            namespace: action.namespace,
            ownerReferences: [
              {
                apiVersion: drain.apiVersion,
                kind: drain.kind,
                name: drain.metadata.name,
                uid: drain.metadata.uid ?? "",
                controller: true,
              },
            ],
          },
          spec: {
            server: action.server,
            targetNode: action.targetNode,
            reason: "Drain",
            ...(action.mode === undefined ? {} : { mode: action.mode }),
          },
        });
        try {
          await store.create(migrationKind, migration);
        } catch (thrown) {
          if (codeOf(thrown) !== "already-exists") throw thrown;
        }
      }
    }
  }
}
