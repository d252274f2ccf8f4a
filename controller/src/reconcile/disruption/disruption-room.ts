import type { DisruptionBudget, Migration, VirtualServer } from "@vfleet/shared";
import { isMigrationEnded } from "@vfleet/shared";
import { movedNameOf, nameOf } from "../drain/drain-view.ts";
import { type BudgetCount, countBudget, isBudgeted, usedOf } from "./budget-count.ts";

export interface DisruptionView {
  budgets: readonly DisruptionBudget[];
  servers: readonly VirtualServer[];
  /** Of the whole fleet. */
  migrations: readonly Migration[];
}

/** What one budget leaves to moves. */
export interface Freedom {
  budget: string;
  count: number;
  /** Whether what is down uses it up, too. */
  isOfDown: boolean;
  why: string;
}

/** Why a server may not be moved or stopped now. */
export interface BudgetObjection {
  message: string;
  /** Moves or starts use it up, and these end; else it takes someone who starts what is down. */
  isPassing: boolean;
}

/**
 * What budgets leave to who moves or stops servers without having been told which: drains and the rebalancing. One
 * disruption counts as one, whether it is a live move, a cold one or a stop. What is decided is taken at once, so that the next decision sees
 * less room.
 */
export class DisruptionRoom {
  readonly #counted: { budget: DisruptionBudget; count: BudgetCount }[];

  constructor({ budgets, servers, migrations }: DisruptionView) {
    const moving = new Set(migrations.filter((migration) => !isMigrationEnded(migration)).map(movedNameOf));
    const byNamespace = Map.groupBy(budgets.length === 0 ? [] : servers, ({ metadata }) => metadata.namespace);
    this.#counted = budgets.map((budget) => ({
      budget,
      count: countBudget(budget, byNamespace.get(budget.metadata.namespace) ?? [], moving),
    }));
  }

  /** Of the first budget that has no room for it; none: it may be moved or stopped. */
  objection(server: VirtualServer): BudgetObjection | undefined {
    for (const { budget, count } of this.#of(server)) {
      if (usedOf(budget, count) < count.limit) continue;
      return { message: budgetText(budget, count), isPassing: count.moving.length > 0 || count.isStarting };
    }
    return undefined;
  }

  /** Counts it as moved or stopped. */
  take(server: VirtualServer): void {
    for (const { count } of this.#of(server)) count.moving.push(nameOf(server));
  }

  /** For each budget that a server is under, how many may be moved at once, were no move under way. */
  freedomsOf(server: VirtualServer): Freedom[] {
    return this.#of(server).map(({ budget, count }) => {
      const isOfDown = budget.spec.maxUnavailable !== undefined;
      const down = isOfDown ? count.down.length : 0;
      return {
        budget: nameOfBudget(budget),
        count: Math.max(0, count.limit - down),
        isOfDown,
        why: `${count.limit} of ${count.servers} at once${down === 0 ? "" : `, ${down} down (${some(count.down)})`}`,
      };
    });
  }

  #of(server: VirtualServer) {
    return this.#counted.filter(({ budget }) => isBudgeted(budget, server));
  }
}

function nameOfBudget({ metadata }: DisruptionBudget): string {
  return `${metadata.namespace ?? "default"}/${metadata.name}`;
}

function budgetText(budget: DisruptionBudget, { limit, servers, moving, down }: BudgetCount): string {
  const isOfMoves = budget.spec.maxUnavailable === undefined;
  const parts = [
    ...(moving.length === 0 ? [] : [`${moving.length} in a move (${some(moving)})`]),
    ...(down.length === 0 || isOfMoves ? [] : [`${down.length} down (${some(down)})`]),
  ];
  return `disruption budget "${nameOfBudget(budget)}" allows ${limit} of ${servers} at once: ${parts.join(", ")}`;
}

function some(names: readonly string[]): string {
  return `${names.slice(0, 3).join(", ")}${names.length > 3 ? ", ..." : ""}`;
}
