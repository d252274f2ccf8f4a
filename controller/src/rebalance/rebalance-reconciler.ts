import type { NodeTelemetry, RebalancePolicy } from "@vfleet/shared";
import {
  codeOf,
  disruptionBudgetKind,
  messageOf,
  migrationKind,
  nodeKind,
  rebalancePolicyKind,
  rebalancePolicyName,
  timestamp,
  virtualServerKind,
} from "@vfleet/shared";
import type { ReconcileContext } from "../reconcile/context.ts";
import { snapshotOf } from "../reconcile/context.ts";
import type { DueRound } from "./due-round.ts";
import { dueRound } from "./due-round.ts";
import type { RebalanceAction } from "./rebalance-step.ts";
import { rebalanceStep } from "./rebalance-step.ts";

type PolicyStatus = NonNullable<RebalancePolicy["status"]>;
type Round = Extract<DueRound, { kind: "round" }>;

/** Makes rounds when they are due, and does what `rebalanceStep` says. */
export class RebalanceReconciler {
  readonly #context: ReconcileContext;

  constructor(context: ReconcileContext) {
    this.#context = context;
  }

  async reconcile(): Promise<number | void> {
    const { environment } = this.#context;
    const policy = await this.#policy();
    const due = dueRound(policy, environment.nowMs());
    if (due.kind === "wait") return due.ms;
    if (due.kind === "off") {
      if (policy.status?.phase !== "Off")
        await this.#write({ phase: "Off", message: "Off: nothing is looked at", nodes: [] });
      return undefined;
    }
    const answered = policy.spec.request?.id;
    const status = await this.#round(policy, due);
    await this.#write({
      ...status,
      phase: policy.spec.mode === "Off" ? "Off" : (status.phase ?? "Watching"),
      lastRoundAt: timestamp(environment),
      ...(answered === undefined ? {} : { answeredRequest: answered }),
    });
    return policy.spec.mode === "Off" ? undefined : policy.spec.intervalSeconds * 1000;
  }

  async #round(policy: RebalancePolicy, { mode, isAsked }: Round): Promise<PolicyStatus> {
    const { store, environment, placement, fleet } = this.#context;
    const samples = await this.#samples();
    if (typeof samples === "string") return { phase: "Paused", message: samples, nodes: [], nodesWatched: 0 };
    const decision = await placement.take(async () => {
      const stored = {
        ...snapshotOf(store),
        candidates: fleet.candidates,
        budgets: store.list(disruptionBudgetKind).items,
      };
      const view = { ...stored, spec: policy.spec, mode, isAsked, samples };
      const decided = rebalanceStep(policy.status?.nodes ?? [], view, timestamp(environment));
      for (const action of decided.actions) await this.#act(action);
      return decided;
    });
    const { state, nodesWatched, explanation } = decision;
    return { message: explanation, nodes: state, nodesWatched };
  }

  /** Or why there are none. */
  async #samples(): Promise<readonly NodeTelemetry[] | string> {
    try {
      return await this.#context.samples();
    } catch (thrown) {
      return `Paused: what nodes use cannot be read: ${messageOf(thrown)}`;
    }
  }

  async #act({ kind, ...move }: RebalanceAction): Promise<void> {
    const { store, events } = this.#context;
    const node = store.get(nodeKind, { name: move.sourceNode });
    if (kind === "suggest") {
      const message = `${move.namespace}/${move.server} should move to ${move.targetNode}`;
      if (node !== undefined) events.record(node, { type: "Normal", reason: "RebalanceSuggested", message });
      return;
    }
    const migration = migrationKind.schema.parse({
      apiVersion: "vfleet.dev/v1",
      kind: "Migration",
      metadata: { name: move.name, namespace: move.namespace },
      spec: { server: move.server, targetNode: move.targetNode, reason: "Rebalance" },
    });
    try {
      await store.create(migrationKind, migration);
    } catch (thrown) {
      if (codeOf(thrown) !== "already-exists") throw thrown;
    }
    const server = store.get(virtualServerKind, { namespace: move.namespace, name: move.server });
    for (const about of [server, node])
      if (about !== undefined) events.record(about, { type: "Normal", reason: "Rebalance", message: move.message });
  }

  /** There always is one: what is deleted comes back with its defaults. */
  async #policy(): Promise<RebalancePolicy> {
    const { store } = this.#context;
    const key = { name: rebalancePolicyName };
    const stored = store.get(rebalancePolicyKind, key);
    if (stored !== undefined) return stored;
    const policy = rebalancePolicyKind.schema.parse({
      apiVersion: "vfleet.dev/v1",
      kind: "RebalancePolicy",
      metadata: key,
    });
    try {
      return await store.create(rebalancePolicyKind, policy);
    } catch (thrown) {
      if (codeOf(thrown) !== "already-exists") throw thrown;
      return store.get(rebalancePolicyKind, key) ?? policy;
    }
  }

  async #write(status: PolicyStatus): Promise<void> {
    await this.#context.store.mutate(
      rebalancePolicyKind,
      { name: rebalancePolicyName },
      (draft) => void (draft.status = { ...draft.status, ...status }),
      { scope: "status" },
    );
  }
}
