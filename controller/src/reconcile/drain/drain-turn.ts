import type { Drain, Migration, VirtualServer } from "@vfleet/shared";
import type { DisruptionRoom } from "../disruption/disruption-room.ts";
import type { Places } from "./drain-fate.ts";
import type { DrainAction, Waiting } from "./drain-view.ts";
import { nameOf, placeOf } from "./drain-view.ts";

/** What a drain does about one server now, and why. */
export type Turn =
  | { kind: "under-way" | "later" | "stuck" | "held" | "abandoned"; waiting: Waiting }
  | { kind: "begins"; waiting: Waiting; action: DrainAction };

export interface TurnView {
  drain: Drain;
  places: Places;
  room: DisruptionRoom;
  /** A move of the server that has not ended, whoever asked for it. */
  open: Migration | undefined;
  /** The drain's own moves of it. */
  attempts: readonly Migration[];
  /** Moves and stops of the drain that have not ended. */
  underWay: number;
  isDeadlineOver: boolean;
  now: string;
}

/** Moves tried per server before the drain gives up on it. */
const attemptsMax = 6;
/** Of these, such as end what runs: each that fails has cost its users a restart. */
const coldAttemptsMax = 2;
const backOffFirstMs = 2_000;
const backOffMaxMs = 60_000;

export function turnOf(server: VirtualServer, view: TurnView): Turn {
  const name = nameOf(server);
  const { open, attempts } = view;
  if (open !== undefined) return underWay(server, open, view);
  if (server.spec.runStrategy === "Stopped")
    return { kind: "under-way", waiting: { server: name, reason: "it is being stopped" } };
  const phase = server.status?.phase ?? "Pending";
  if (phase !== "Running" && phase !== "Migrating") {
    const reason = `it is ${phase}: ${server.status?.message ?? "it must be Running to move"}`;
    // One whose node is silent needs someone; the others pass by themselves.
    return { kind: phase === "Unknown" ? "stuck" : "later", waiting: { server: name, reason } };
  }
  const last = attempts.toSorted((a, b) => endedAtMs(a) - endedAtMs(b)).at(-1);
  const failure = last?.status?.message ?? "unknown";
  const coldAttempts = attempts.filter(isCold).length;
  if (attempts.length >= attemptsMax || coldAttempts >= coldAttemptsMax) {
    const count = coldAttempts >= coldAttemptsMax ? `${coldAttempts} cold moves` : `${attempts.length} moves`;
    return { kind: "abandoned", waiting: { server: name, reason: `given up after ${count} that failed: ${failure}` } };
  }
  const pauseMs = Math.min(backOffMaxMs, backOffFirstMs * 2 ** (attempts.length - 1));
  if (last !== undefined && endedAtMs(last) + pauseMs > Date.parse(view.now)) {
    return { kind: "later", waiting: { server: name, reason: `tried again soon, the last move failed: ${failure}` } };
  }
  return decided(server, view);
}

function underWay(server: VirtualServer, open: Migration, { places, drain }: TurnView): Turn {
  places.holdFor(open, server);
  const { phase = "Pending", message } = open.status ?? {};
  const isFallback = drain.spec.fallback === "cold" && open.spec.mode === "Cold";
  return {
    kind: "under-way",
    waiting: {
      server: nameOf(server),
      migration: open.metadata.name,
      reason: message ?? phase,
      ...(isFallback ? { fallback: "cold" } : {}),
    },
  };
}

function decided(server: VirtualServer, view: TurnView): Turn {
  const { drain, attempts } = view;
  const fate = view.places.fateOf(server);
  const waiting = {
    server: nameOf(server),
    ...(fate.fallback === undefined ? {} : { fallback: fate.fallback }),
  };
  const because = fate.why === undefined ? "" : `; ${fate.why}`;
  if (fate.kind === "stuck") return { kind: "stuck", waiting: { ...waiting, reason: fate.why } };
  if (view.isDeadlineOver)
    return { kind: "later", waiting: { ...waiting, reason: `not begun before the deadline${because}` } };
  if (view.underWay >= drain.spec.maxParallel)
    return {
      kind: "later",
      waiting: { ...waiting, reason: `waits for its turn, ${view.underWay} at a time${because}` },
    };
  const objection = view.room.objection(server);
  if (objection !== undefined)
    return {
      kind: objection.isPassing ? "later" : "held",
      waiting: { ...waiting, reason: `${objection.message}${because}` },
    };
  view.room.take(server);
  const subject = placeOf(server);
  if (fate.kind === "stop")
    return {
      kind: "begins",
      waiting: { ...waiting, reason: `it is being stopped${because}` },
      action: { kind: "stop", ...subject },
    };
  const { targetNode } = fate;
  const why = drain.spec.bringBack ? "back" : "drain";
  const name = `${server.metadata.name}-${why}-${(drain.metadata.uid ?? "").slice(0, 8)}-${nextNumber(attempts)}`;
  return {
    kind: "begins",
    waiting: { ...waiting, migration: name, reason: `moves to ${targetNode}${because}` },
    action: { kind: "move", name, ...subject, targetNode, ...(fate.fallback === "cold" ? { mode: "Cold" } : {}) },
  };
}

/** Whether it was begun as such: one that was refused before has stopped nothing. */
function isCold({ status }: Migration): boolean {
  return status?.mode === "Cold";
}

/** Above every one there is: an earlier one may have been deleted, and a name is used once. */
function nextNumber(attempts: readonly Migration[]): number {
  return 1 + Math.max(0, ...attempts.map(({ metadata }) => Number(/-(\d+)$/.exec(metadata.name)?.[1] ?? 0)));
}

function endedAtMs(migration: Migration): number {
  return Date.parse(migration.status?.endedAt ?? migration.metadata.creationTimestamp ?? "") || 0;
}
