import { disruptionBudgetKind, migrationKind, timestamp, virtualServerKind } from "@vfleet/shared";
import type { ReconcileContext } from "../context.ts";
import { objectKeyOf } from "../context.ts";
import { budgetStep } from "./budget-step.ts";

/** Keeps what budgets say of themselves true; who moves servers counts for itself. */
export class BudgetReconciler {
  readonly #context: ReconcileContext;

  constructor(context: ReconcileContext) {
    this.#context = context;
  }

  async reconcile(key: string): Promise<void> {
    const { store, environment } = this.#context;
    const budget = store.get(disruptionBudgetKind, objectKeyOf(key));
    if (budget === undefined) return;
    const { namespace } = budget.metadata;
    const status = budgetStep({
      budget,
      servers: store.list(virtualServerKind, { namespace }).items,
      migrations: store.list(migrationKind, { namespace }).items,
      now: timestamp(environment),
    });
    await store.mutate(
      disruptionBudgetKind,
      objectKeyOf(key),
      (draft) => {
        if (draft.metadata.uid !== budget.metadata.uid) return false;
        draft.status = status;
        return undefined;
      },
      { scope: "status" },
    );
  }
}
