import type { DisruptionBudget, VirtualServer } from "@vfleet/shared";
import { selects } from "@vfleet/shared";
import { isStoppedByDrain, nameOf } from "../drain/drain-view.ts";

/** How far a budget is used up. */
export interface BudgetCount {
  /** Selected ones that should run. */
  servers: number;
  /** In servers. */
  limit: number;
  /** `namespace/name` of those in a move, and of those that should run, don't, and are in none. */
  moving: string[];
  down: string[];
  /** Some of those down are on their way up. */
  isStarting: boolean;
}

/** What an operator stopped is meant to be down; what a drain stopped is a disruption. */
export function isBudgeted(budget: DisruptionBudget, server: VirtualServer): boolean {
  return (
    budget.metadata.namespace === server.metadata.namespace &&
    server.metadata.deletionTimestamp === undefined &&
    (server.spec.runStrategy === "Running" || isStoppedByDrain(server)) &&
    selects(budget.spec.selector, server.metadata.labels ?? {})
  );
}

/** `moving`: those of which a move, of whatever mode, has been asked for and has not ended. */
export function countBudget(
  budget: DisruptionBudget,
  servers: readonly VirtualServer[],
  moving: ReadonlySet<string>,
): BudgetCount {
  const members = servers.filter((server) => isBudgeted(budget, server));
  const { maxUnavailable, maxMoving } = budget.spec;
  const down = members.filter((server) => !isUp(server) && !moving.has(nameOf(server)));
  return {
    servers: members.length,
    limit: limitOf(maxUnavailable ?? maxMoving ?? 1, members.length),
    moving: members.map(nameOf).filter((name) => moving.has(name)),
    down: down.map(nameOf),
    isStarting: down.some(isStarting),
  };
}

/** How many of what it limits there are. */
export function usedOf(budget: DisruptionBudget, { moving, down }: Pick<BudgetCount, "moving" | "down">): number {
  return moving.length + (budget.spec.maxUnavailable === undefined ? 0 : down.length);
}

/** A share is rounded up, as Kubernetes does, so that one of few can be moved. */
function limitOf(amount: number | string, servers: number): number {
  return typeof amount === "number" ? amount : Math.ceil((Number.parseInt(amount, 10) / 100) * servers);
}

function isUp({ spec, status }: VirtualServer): boolean {
  return spec.runStrategy === "Running" && (status?.phase === "Running" || status?.phase === "Migrating");
}

function isStarting({ spec, status }: VirtualServer): boolean {
  const phase = status?.phase ?? "Pending";
  return spec.runStrategy === "Running" && (phase === "Starting" || phase === "Stopping" || phase === "Stopped");
}
