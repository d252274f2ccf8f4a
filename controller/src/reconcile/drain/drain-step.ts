import type { Drain, DrainPhase, Migration, Node, VirtualServer } from "@vfleet/shared";
import { isMigrationEnded } from "@vfleet/shared";
import type { Candidate } from "../../scheduler/placement.ts";
import { demandOf, take } from "../../scheduler/placement.ts";
import { schedule } from "../../scheduler/schedule.ts";
import { objectionToMode, unfitTargets } from "../migration/movability.ts";
import { moveWishes } from "../migration/move-wishes.ts";

type DrainStatus = NonNullable<Drain["status"]>;
type Waiting = NonNullable<DrainStatus["waiting"]>[number];

export interface DrainView {
  drain: Drain;
  nodes: readonly Node[];
  servers: readonly VirtualServer[];
  /** Of the whole fleet. */
  migrations: readonly Migration[];
  candidates: readonly Candidate[];
  now: string;
}

export type DrainAction =
  | { kind: "cordon"; node: string }
  | { kind: "move"; name: string; namespace: string; server: string; targetNode: string }
  | { kind: "cancel-move"; name: string; namespace: string };

export interface DrainDecision {
  status: DrainStatus;
  actions: DrainAction[];
}

export const endedDrainPhases: readonly DrainPhase[] = ["Succeeded", "Failed", "Cancelled"];

/** Moves tried per server before the drain gives up on it. */
const attemptsMax = 6;
const backOffFirstMs = 2_000;
const backOffMaxMs = 60_000;

/** Empties a node: cordon, then a move for every server on it that runs, as many at a time as asked, as far as they fit elsewhere. */
export function drainStep(view: DrainView): DrainDecision {
  const { drain, now } = view;
  const status: DrainStatus = { ...drain.status, startedAt: drain.status?.startedAt ?? now };
  if (endedDrainPhases.includes(status.phase ?? "Pending")) return { status, actions: [] };
  const node = view.nodes.find((candidate) => candidate.metadata.name === drain.spec.node);
  if (node === undefined)
    return ended(status, view, {
      phase: "Failed",
      reason: "NodeNotFound",
      message: `There is no node "${drain.spec.node}"`,
    });

  const own = view.migrations.filter((migration) =>
    migration.metadata.ownerReferences?.some((owner) => owner.uid === drain.metadata.uid),
  );
  if (drain.spec.cancel || drain.metadata.deletionTimestamp !== undefined) return cancelled(status, view, own);
  if (node.spec.unschedulable !== true)
    return { status: { ...status, phase: "Draining" }, actions: [{ kind: "cordon", node: drain.spec.node }] };

  const here = view.servers.filter(
    (server) => server.status?.nodeName === drain.spec.node && server.metadata.deletionTimestamp === undefined,
  );
  const toMove = here.filter(keepsDrainWaiting);
  const moved = own.filter((migration) => migration.status?.phase === "Succeeded").length;
  const counted: DrainStatus = { ...status, total: Math.max(status.total ?? 0, toMove.length + moved), moved };
  const left = here.length - toMove.length;
  const cleaningUp = own.filter((migration) => !isMigrationEnded(migration));
  if (toMove.length === 0 && cleaningUp.length > 0) {
    const waiting = cleaningUp.map((migration) => ({
      server: `${migration.metadata.namespace ?? "default"}/${migration.spec.server}`,
      migration: migration.metadata.name,
      reason: migration.status?.message ?? migration.status?.phase ?? "Pending",
    }));
    return { status: { ...counted, waiting }, actions: [] };
  }
  if (toMove.length === 0) {
    const message =
      left === 0 ? "No server is left on it" : `No server runs on it; ${left} that are stopped stay, with their files`;
    return ended({ ...counted, waiting: [] }, view, { phase: "Succeeded", message });
  }
  return planned(counted, { view, toMove, own });
}

function planned(
  status: DrainStatus,
  { view, toMove, own }: { view: DrainView; toMove: readonly VirtualServer[]; own: readonly Migration[] },
): DrainDecision {
  const { drain } = view;
  const waiting: Waiting[] = [];
  const actions: DrainAction[] = [];
  const source = view.nodes.find((node) => node.metadata.name === drain.spec.node);
  let underWay = own.filter((migration) => !isMigrationEnded(migration)).length;
  let stuck = 0;
  let abandoned = 0;
  // The largest first: it is the hardest to place.
  const bySize = toMove.toSorted(
    (a, b) => demandOf(b).memoryBytes - demandOf(a).memoryBytes || nameOf(a).localeCompare(nameOf(b)),
  );
  for (const server of bySize) {
    const attempts = own.filter((migration) => isOf(migration, server));
    const open = view.migrations.find((migration) => isOf(migration, server) && !isMigrationEnded(migration));
    if (open !== undefined) {
      const { phase = "Pending", message } = open.status ?? {};
      waiting.push({ server: nameOf(server), migration: open.metadata.name, reason: message ?? phase });
      continue;
    }
    const phase = server.status?.phase ?? "Pending";
    if (phase !== "Running" && phase !== "Migrating") {
      waiting.push({
        server: nameOf(server),
        reason: `it is ${phase}: ${server.status?.message ?? "it must be Running to move"}`,
      });
      continue;
    }
    const last = attempts.toSorted((a, b) => endedAtMs(a) - endedAtMs(b)).at(-1);
    const failure = last?.status?.message ?? "unknown";
    if (attempts.length >= attemptsMax) {
      abandoned++;
      waiting.push({
        server: nameOf(server),
        reason: `given up after ${attempts.length} moves that failed: ${failure}`,
      });
      continue;
    }
    const retryAtMs =
      last === undefined ? 0 : endedAtMs(last) + Math.min(backOffMaxMs, backOffFirstMs * 2 ** (attempts.length - 1));
    if (retryAtMs > Date.parse(view.now)) {
      waiting.push({ server: nameOf(server), reason: `tried again soon, the last move failed: ${failure}` });
      continue;
    }
    const wishes = moveWishes(server);
    const objection = objectionToMode(server, wishes, source);
    if (objection !== undefined) {
      stuck++;
      waiting.push({ server: nameOf(server), reason: objection.message });
      continue;
    }
    const choice = schedule(view.candidates, demandOf(server), unfitTargets(view.nodes, source, wishes.mode));
    if ("unschedulable" in choice) {
      stuck++;
      waiting.push({ server: nameOf(server), reason: choice.unschedulable });
      continue;
    }
    if (underWay >= drain.spec.maxParallel) {
      waiting.push({ server: nameOf(server), reason: `waits for its turn, ${underWay} at a time` });
      continue;
    }
    take(
      view.candidates.find((candidate) => candidate.name === choice.node),
      demandOf(server),
    );
    underWay++;
    const name = `${server.metadata.name}-drain-${(drain.metadata.uid ?? "").slice(0, 8)}-${attempts.length + 1}`;
    const namespace = server.metadata.namespace ?? "default";
    actions.push({ kind: "move", name, namespace, server: server.metadata.name, targetNode: choice.node });
    waiting.push({ server: nameOf(server), migration: name, reason: `moves to ${choice.node}` });
  }
  if (abandoned === toMove.length) {
    return ended({ ...status, waiting }, view, { phase: "Failed", reason: "MovesFailed", message: sentence(waiting) });
  }
  const isBlocked = underWay === 0 && stuck > 0;
  const { reason: _reason, message: _message, ...rest } = status;
  return {
    status: isBlocked
      ? { ...rest, phase: "Blocked", reason: "NothingFits", message: sentence(waiting), waiting }
      : {
          ...rest,
          phase: "Draining",
          waiting,
          message: `${toMove.length} of ${status.total ?? toMove.length} servers left`,
        },
    actions,
  };
}

function cancelled(status: DrainStatus, view: DrainView, own: readonly Migration[]): DrainDecision {
  const open = own.filter((migration) => !isMigrationEnded(migration));
  if (open.length === 0)
    return ended({ ...status, waiting: [] }, view, {
      phase: "Cancelled",
      message: "Cancelled; the node stays cordoned",
    });
  const actions = open
    .filter((migration) => !migration.spec.cancel)
    .map((migration): DrainAction => ({
      kind: "cancel-move",
      name: migration.metadata.name,
      namespace: migration.metadata.namespace ?? "default",
    }));
  return { status: { ...status, message: `Cancelling ${open.length} moves` }, actions };
}

/** Running or on its way to it; also what nobody has heard of. What is stopped or has failed for good has nothing to move. */
function keepsDrainWaiting(server: VirtualServer): boolean {
  const phase = server.status?.phase ?? "Pending";
  return phase !== "Stopped" && phase !== "Failed";
}

function ended(
  status: DrainStatus,
  view: DrainView,
  end: Pick<DrainStatus, "phase" | "reason" | "message">,
): DrainDecision {
  return { status: { ...status, ...end, endedAt: view.now }, actions: [] };
}

/** Every server and its reason: what an operator must know to go on. */
function sentence(waiting: readonly Waiting[]): string {
  const shown = waiting.slice(0, 5).map(({ server, reason }) => `"${server}": ${reason}`);
  const more = waiting.length - shown.length;
  return `${shown.join("; ")}${more > 0 ? `; and ${more} more` : ""}`;
}

function isOf(migration: Migration, server: VirtualServer): boolean {
  return migration.spec.server === server.metadata.name && migration.metadata.namespace === server.metadata.namespace;
}

function nameOf(server: VirtualServer): string {
  return `${server.metadata.namespace ?? "default"}/${server.metadata.name}`;
}

function endedAtMs(migration: Migration): number {
  return Date.parse(migration.status?.endedAt ?? migration.metadata.creationTimestamp ?? "") || 0;
}
