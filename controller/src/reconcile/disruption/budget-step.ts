import type { Condition, DisruptionBudget, Migration, VirtualServer } from "@vfleet/shared";
import { isMigrationEnded, withCondition } from "@vfleet/shared";
import { movedNameOf } from "../drain/drain-view.ts";
import { type BudgetCount, countBudget, usedOf } from "./budget-count.ts";

export interface BudgetView {
  budget: DisruptionBudget;
  /** Of its namespace, both. */
  servers: readonly VirtualServer[];
  migrations: readonly Migration[];
  now: string;
}

/** What a budget's status says: how far it is used up, and whether it is kept. */
export function budgetStep({ budget, servers, migrations, now }: BudgetView): NonNullable<DisruptionBudget["status"]> {
  const moving = new Set(migrations.filter((migration) => !isMigrationEnded(migration)).map(movedNameOf));
  const count = countBudget(budget, servers, moving);
  const kept = { type: "Kept", ...keptOf(budget, count) };
  const { generation } = budget.metadata;
  return {
    servers: count.servers,
    limit: count.limit,
    moving: count.moving.length,
    down: count.down.length,
    allowed: Math.max(0, count.limit - usedOf(budget, count)),
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    conditions: withCondition(budget.status?.conditions, kept, now),
  };
}

function keptOf(budget: DisruptionBudget, count: BudgetCount): Omit<Condition, "type"> {
  const used = usedOf(budget, count);
  const { servers, limit, moving, down } = count;
  if (servers === 0) {
    const message = `No virtual server that should run in namespace "${budget.metadata.namespace ?? "default"}" has these labels: it protects nothing`;
    return { status: "Unknown", reason: "NothingSelected", message };
  }
  const counts = `${moving.length} in a move and ${down.length} down of ${servers}, ${limit} allowed`;
  if (used > limit) return { status: "False", reason: "Exceeded", message: counts };
  const isUsedUp = used === limit;
  return { status: "True", reason: isUsedUp ? "UsedUp" : "RoomLeft", message: counts };
}
