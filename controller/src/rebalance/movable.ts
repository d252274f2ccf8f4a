import type { Migration, Node, VirtualServer } from "@vfleet/shared";
import { conditionOf, isMigrationEnded } from "@vfleet/shared";
import { objectionToMode } from "../reconcile/migration/movability.ts";
import { moveWishes } from "../reconcile/migration/move-wishes.ts";
import { restOf } from "./cooldown.ts";

export interface MovableView {
  server: VirtualServer;
  /** Of the server. */
  migrations: readonly Migration[];
  node: Node | undefined;
  now: string;
  cooldownMs: number;
  warmUpMs: number;
}

/** Why a server is left alone, wherever there is room; none: it may be moved to relieve its node. */
export function objectionToRebalance(view: MovableView): string | undefined {
  const { server, migrations, now } = view;
  const { phase = "Pending", conditions } = server.status ?? {};
  if (server.metadata.deletionTimestamp !== undefined) return "it is being deleted";
  if (server.spec.migration.rebalance === "Never") return "its spec.migration.rebalance is Never";
  const open = migrations.find((migration) => !isMigrationEnded(migration));
  if (open !== undefined) return `migration "${open.metadata.name}" of it has not ended`;
  if (phase !== "Running") return `it is ${phase}`;
  const wishes = moveWishes(server);
  if (wishes.mode === "Cold") return "its spec.migration.mode is Cold: a move would stop it";
  const objection = objectionToMode(server, wishes, view.node);
  if (objection !== undefined) return objection.message;
  const rest = restOf(server, migrations, { now, cooldownMs: view.cooldownMs });
  if (rest !== undefined) {
    const times = rest.moves === 1 ? "once" : `${rest.moves} times`;
    return `it moved ${times} in 24 h and rests until ${new Date(rest.untilMs).toISOString()}`;
  }
  const ready = conditionOf(conditions, "Ready");
  const readyMs =
    ready?.lastTransitionTime === undefined ? undefined : Date.parse(now) - Date.parse(ready.lastTransitionTime);
  if (readyMs !== undefined && readyMs < view.warmUpMs)
    return `it has been ready for ${Math.max(0, Math.round(readyMs / 1000))} s, ${view.warmUpMs / 1000} s are needed`;
  return undefined;
}
