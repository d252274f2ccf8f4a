import { checkpointKind } from "./checkpoint.ts";
import { checkpointScheduleKind } from "./checkpoint-schedule.ts";
import { disruptionBudgetKind } from "./disruption-budget.ts";
import { drainKind } from "./drain.ts";
import { eventKind } from "./event.ts";
import { imageKind } from "./image.ts";
import type { Kind } from "./kind.ts";
import { migrationKind } from "./migration.ts";
import { namespaceKind } from "./namespace.ts";
import { nodeKind } from "./node.ts";
import { rebalancePolicyKind } from "./rebalance-policy.ts";
import { restoreKind } from "./restore.ts";
import { virtualServerKind } from "./virtual-server.ts";

/** The one registry of kinds: discovery, OpenAPI, validation, printing, storage and completion are derived from it. */
export const kinds: readonly Kind[] = [
  virtualServerKind,
  migrationKind,
  checkpointKind,
  checkpointScheduleKind,
  restoreKind,
  imageKind,
  drainKind,
  disruptionBudgetKind,
  rebalancePolicyKind,
  nodeKind,
  namespaceKind,
  eventKind,
] as unknown as readonly Kind[]; // columns take their own kind's objects; the registry hands each only its own

/** By plural, singular, short name or kind, any case: what a person types. */
export function findKind(word: string): Kind | undefined {
  const wanted = word.toLowerCase().split(".")[0] ?? "";
  return kinds.find(
    (kind) =>
      kind.plural === wanted ||
      kind.singular === wanted ||
      kind.kind.toLowerCase() === wanted ||
      kind.shortNames.includes(wanted),
  );
}
