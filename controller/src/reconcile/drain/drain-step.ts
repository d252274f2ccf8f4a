import type { Drain, DrainPhase, Migration, Node, VirtualServer } from "@vfleet/shared";
import { isMigrationEnded } from "@vfleet/shared";
import { DisruptionRoom } from "../disruption/disruption-room.ts";
import { Places } from "./drain-fate.ts";
import { inDrainOrder } from "./drain-order.ts";
import { planDrain } from "./drain-plan.ts";
import { type DrainScope, drainsToTakeBack, scopeOf } from "./drain-scope.ts";
import { type Turn, turnOf } from "./drain-turn.ts";
import type { DrainAction, DrainStatus, DrainView, Waiting } from "./drain-view.ts";
import { isStoppedByDrain, movedNameOf, nameOf, placeOf } from "./drain-view.ts";

export interface DrainDecision {
  status: DrainStatus;
  actions: DrainAction[];
}

export const endedDrainPhases: readonly DrainPhase[] = ["Planned", "Succeeded", "Failed", "Cancelled"];

/** Empties a node, or brings back what its last drain moved away: as many moves at a time as asked, as far as they fit. */
export function drainStep(view: DrainView): DrainDecision {
  const { drain } = view;
  const status = begunStatus(view);
  if (endedDrainPhases.includes(status.phase ?? "Pending")) return { status, actions: [] };
  const node = view.nodes.find((candidate) => candidate.metadata.name === drain.spec.node);
  if (node === undefined)
    return ended(status, view, {
      phase: "Failed",
      reason: "NodeNotFound",
      message: `There is no node "${drain.spec.node}"`,
    });
  const scope = scopeOf(view, status.bringsBack ?? []);
  if (drain.spec.dryRun) return planned(status, view, scope);

  const own = view.migrations.filter((migration) =>
    migration.metadata.ownerReferences?.some((owner) => owner.uid === drain.metadata.uid),
  );
  if (drain.spec.cancel || drain.metadata.deletionTimestamp !== undefined) return cancelled(status, view, own);
  const door = doorAction(drain, node);
  if (door !== undefined) return { status: { ...status, phase: phaseOf(drain) }, actions: [door] };

  const { toMove, stopped } = scope;
  const moved = own.filter((migration) => migration.status?.phase === "Succeeded").length;
  const started = [...(status.started ?? []), ...scope.toStart.map(nameOf)];
  const counted: DrainStatus = {
    ...status,
    total: Math.max(status.total ?? 0, toMove.length + moved),
    moved,
    ...(stopped.length === 0 ? {} : { stopped: [...stopped] }),
    ...(started.length === 0 ? {} : { started: [...new Set(started)] }),
  };
  const starts = scope.toStart.map((server): DrainAction => ({ kind: "start", ...placeOf(server) }));
  if (toMove.length > 0) {
    const { status: next, actions } = turns(counted, { view, toMove, own, isStarting: starts.length > 0 });
    return { status: next, actions: [...starts, ...actions] };
  }
  const cleaningUp = own.filter((migration) => !isMigrationEnded(migration));
  if (cleaningUp.length > 0) {
    const waiting = cleaningUp.map((migration) => ({
      server: movedNameOf(migration),
      migration: migration.metadata.name,
      reason: migration.status?.message ?? migration.status?.phase ?? "Pending",
    }));
    return { status: { ...counted, phase: phaseOf(drain), waiting }, actions: starts };
  }
  const end = ended({ ...counted, waiting: [] }, view, { phase: "Succeeded", message: scope.doneMessage });
  return { ...end, actions: starts };
}

/** Nothing new lands on a node that is emptied. One that is filled is opened once: whoever cordons it again means it. */
function doorAction(drain: Drain, node: Node): DrainAction | undefined {
  const isCordoned = node.spec.unschedulable === true;
  if (!drain.spec.bringBack) return isCordoned ? undefined : { kind: "cordon", node: drain.spec.node };
  const isNew = (drain.status?.phase ?? "Pending") === "Pending";
  return isNew && isCordoned ? { kind: "uncordon", node: drain.spec.node } : undefined;
}

function phaseOf({ spec }: Drain): DrainPhase {
  return spec.bringBack ? "Returning" : "Draining";
}

function planned(status: DrainStatus, view: DrainView, scope: DrainScope): DrainDecision {
  const plan = planDrain(view, scope);
  const count = (action: "Move" | "Stop" | "Start" | "Wait") =>
    plan.servers.filter((server) => server.action === action).length;
  const other = view.drain.spec.bringBack ? `start ${count("Start")}` : `stop ${count("Stop")}`;
  const message = `Would move ${count("Move")}, ${other}, and wait for ${count("Wait")} of ${plan.servers.length} servers; nothing was changed`;
  return ended({ ...status, total: scope.toMove.length, plan }, view, { phase: "Planned", message });
}

/** When it began, and what it takes back, is written once: both hold over whatever the controller goes through. */
function begunStatus(view: DrainView): DrainStatus {
  const { deadlineSeconds, bringBack } = view.drain.spec;
  const startedAt = view.drain.status?.startedAt ?? view.now;
  const bringsBack = bringBack ? (view.drain.status?.bringsBack ?? drainsToTakeBack(view)) : undefined;
  return {
    ...view.drain.status,
    startedAt,
    ...(bringsBack === undefined ? {} : { bringsBack }),
    ...(deadlineSeconds === undefined
      ? {}
      : { deadlineAt: new Date(Date.parse(startedAt) + deadlineSeconds * 1000).toISOString() }),
  };
}

interface MovesView {
  view: DrainView;
  toMove: readonly VirtualServer[];
  own: readonly Migration[];
  /** What it starts now is about to give budgets their room back. */
  isStarting: boolean;
}

function turns(status: DrainStatus, { view, toMove, own, isStarting }: MovesView): DrainDecision {
  const { drain, now } = view;
  const isDeadlineOver = status.deadlineAt !== undefined && Date.parse(status.deadlineAt) <= Date.parse(now);
  const places = new Places(view);
  const room = new DisruptionRoom(view);
  const open = new Map(
    view.migrations.filter((migration) => !isMigrationEnded(migration)).map((one) => [movedNameOf(one), one]),
  );
  const attempts = Map.groupBy(own, movedNameOf);
  const ownOpen = own.filter((migration) => !isMigrationEnded(migration));
  let underWay = ownOpen.length + toMove.filter((server) => isStoppedByDrain(server, drain.metadata.uid)).length;
  const taken: Turn[] = [];
  try {
    for (const server of inDrainOrder(toMove, view.memoryBytes)) {
      const name = nameOf(server);
      const turn = turnOf(server, {
        drain,
        places,
        room,
        open: open.get(name),
        attempts: attempts.get(name) ?? [],
        underWay,
        isDeadlineOver,
        now,
      });
      if (turn.kind === "begins") underWay++;
      taken.push(turn);
    }
  } finally {
    places.giveBack();
  }
  const waiting = taken.map((turn) => turn.waiting);
  const begun = taken.flatMap((turn) => (turn.kind === "begins" ? [turn.action] : []));
  const next = { ...status, waiting };
  if (isDeadlineOver) return overdue(next, view, { ownOpen, underWay });
  if (underWay === 0 && taken.every(({ kind }) => kind === "abandoned"))
    return ended(next, view, { phase: "Failed", reason: "MovesFailed", message: sentence(waiting) });
  const goesOn = isStarting || underWay > 0 || taken.some(({ kind }) => kind === "later");
  const { reason: _reason, message: _message, ...rest } = next;
  const held = taken.filter(({ kind }) => kind === "stuck" || kind === "held");
  if (!goesOn && held.length > 0) {
    const reason = held.every(({ kind }) => kind === "held") ? "DisruptionBudget" : "NothingFits";
    return { status: { ...rest, phase: "Blocked", reason, message: sentence(waiting) }, actions: begun };
  }
  const message = `${toMove.length} of ${status.total ?? toMove.length} servers left${drain.spec.bringBack ? " to bring back" : ""}`;
  return { status: { ...rest, phase: phaseOf(drain), message }, actions: begun };
}

/**
 * Nothing more is begun. A move that is under way has its own limits, and what it has sent would be lost with it, so it
 * may finish; one that still waits for its turn is cancelled.
 */
function overdue(
  status: DrainStatus,
  view: DrainView,
  { ownOpen, underWay }: { ownOpen: readonly Migration[]; underWay: number },
): DrainDecision {
  const waiting = status.waiting ?? [];
  const passed = `The deadline of ${view.drain.spec.deadlineSeconds ?? 0} s has passed`;
  if (underWay > 0) {
    const isWaiting = (migration: Migration) => (migration.status?.phase ?? "Pending") === "Pending";
    const message = `${passed}; ${underWay} under way may finish`;
    const { reason: _reason, ...rest } = status;
    return { status: { ...rest, phase: phaseOf(view.drain), message }, actions: cancelling(ownOpen.filter(isWaiting)) };
  }
  const message = `${passed}; ${waiting.length} of ${status.total ?? waiting.length} servers are left: ${sentence(waiting)}`;
  return ended(status, view, { phase: "Failed", reason: "DeadlineExceeded", message });
}

function cancelled(status: DrainStatus, view: DrainView, own: readonly Migration[]): DrainDecision {
  const open = own.filter((migration) => !isMigrationEnded(migration));
  if (open.length === 0)
    return ended({ ...status, waiting: [] }, view, {
      phase: "Cancelled",
      message: view.drain.spec.bringBack ? "Cancelled; what is back stays" : "Cancelled; the node stays cordoned",
    });
  return { status: { ...status, message: `Cancelling ${open.length} moves` }, actions: cancelling(open) };
}

function cancelling(migrations: readonly Migration[]): DrainAction[] {
  return migrations
    .filter((migration) => !migration.spec.cancel)
    .map(({ metadata }) => ({
      kind: "cancel-move",
      name: metadata.name,
      namespace: metadata.namespace ?? "default",
    }));
}

function ended(
  status: DrainStatus,
  view: DrainView,
  end: Pick<DrainStatus, "phase" | "reason" | "message">,
): DrainDecision {
  const { reason: _reason, ...rest } = status;
  return { status: { ...rest, ...end, endedAt: view.now }, actions: [] };
}

/** Every server and its reason: what an operator must know to go on. */
function sentence(waiting: readonly Waiting[]): string {
  const shown = waiting.slice(0, 5).map(({ server, reason }) => `"${server}": ${reason}`);
  const more = waiting.length - shown.length;
  return `${shown.join("; ")}${more > 0 ? `; and ${more} more` : ""}`;
}
