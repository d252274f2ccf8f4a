import type { Drain, Migration, Node, VirtualServer } from "@vfleet/shared";
import { isMigrationEnded } from "@vfleet/shared";
import { type Freedom, DisruptionRoom } from "../disruption/disruption-room.ts";
import { MoveForecasts } from "../migration/move-forecasts.ts";
import { moveWishes } from "../migration/move-wishes.ts";
import { type Fate, Places } from "./drain-fate.ts";
import { Lanes } from "./drain-lanes.ts";
import { inDrainOrder } from "./drain-order.ts";
import type { DrainScope } from "./drain-scope.ts";
import type { DrainView } from "./drain-view.ts";
import { movedNameOf, nameOf } from "./drain-view.ts";

export type DrainPlan = NonNullable<NonNullable<Drain["status"]>["plan"]>;
type Planned = DrainPlan["servers"][number];

/**
 * What a drain would do, were it begun now and did nothing else move: by the same order, places, fallbacks and budgets, with a
 * forecast of each move. Every server and every earlier move is looked at once.
 */
export function planDrain(view: DrainView, { toMove, toStart }: Pick<DrainScope, "toMove" | "toStart">): DrainPlan {
  const schedule = new PlannedSchedule(withDoorOpen(view));
  try {
    const starts = toStart.map((server): Planned => ({ server: nameOf(server), action: "Start", startsAfterMs: 0 }));
    const servers = [...starts, ...inDrainOrder(toMove, view.memoryBytes).map((server) => schedule.plan(server))];
    const isAtLeast = servers.some(
      ({ action, predictedDurationMs }) => action !== "Wait" && predictedDurationMs === undefined,
    );
    return { servers, totalMs: schedule.endMs, ...(isAtLeast ? { isAtLeast } : {}) };
  } finally {
    schedule.giveBack();
  }
}

/** A node that gets its servers back is opened before anything else. */
function withDoorOpen(view: DrainView): DrainView {
  const { bringBack, node } = view.drain.spec;
  if (!bringBack) return view;
  const candidates = view.candidates.map((one) => (one.name === node ? { ...one, cordoned: false } : one));
  return { ...view, candidates };
}

class PlannedSchedule {
  endMs = 0;
  readonly #view: DrainView;
  readonly #places: Places;
  readonly #forecasts: MoveForecasts;
  readonly #room: DisruptionRoom;
  readonly #nodes: ReadonlyMap<string, Node>;
  readonly #open: ReadonlyMap<string, Migration>;
  readonly #lanes: Lanes;
  readonly #sourceLanes = new Map<string, Lanes>();
  readonly #budgetLanes = new Map<string, Lanes>();

  constructor(view: DrainView) {
    this.#view = view;
    this.#places = new Places(view);
    this.#forecasts = new MoveForecasts(view.migrations);
    this.#room = new DisruptionRoom(view);
    this.#nodes = new Map(view.nodes.map((node) => [node.metadata.name, node]));
    this.#open = new Map(
      view.migrations.filter((migration) => !isMigrationEnded(migration)).map((one) => [movedNameOf(one), one]),
    );
    this.#lanes = new Lanes(Math.min(view.drain.spec.maxParallel, view.limits.parallelPerFleet));
  }

  plan(server: VirtualServer): Planned {
    const waits = (reason: string): Planned => ({ server: nameOf(server), action: "Wait", reason });
    const open = this.#open.get(nameOf(server));
    if (open !== undefined) return waits(`migration "${open.metadata.name}" of it is under way`);
    const { phase = "Pending" } = server.status ?? {};
    if (phase !== "Running" && phase !== "Migrating") return waits(`it is ${phase}: it must be Running to move`);
    const fate = this.#places.fateOf(server);
    if (fate.kind === "stuck")
      return { ...waits(fate.why), ...(fate.fallback === undefined ? {} : { fallback: fate.fallback }) };
    const entry = fate.kind === "stop" ? stopOf(server, fate) : this.#moveOf(server, fate);
    const freedoms = this.#room.freedomsOf(server);
    const moveLanes = [this.#lanes, this.#lanesFrom(server.status?.nodeName ?? "")];
    const lanes = [...moveLanes, ...freedoms.map((freedom) => this.#lanesOf(freedom))];
    const startsAfterMs = Math.max(...lanes.map(({ nextMs }) => nextMs));
    const spent = freedoms.find((freedom) => this.#lanesOf(freedom).nextMs === Number.POSITIVE_INFINITY);
    if (spent !== undefined) return waits(`disruption budget "${spent.budget}" leaves no room: ${spent.why}`);
    const { deadlineSeconds } = this.#view.drain.spec;
    if (deadlineSeconds !== undefined && startsAfterMs >= deadlineSeconds * 1000)
      return waits(`it would not begin before the deadline of ${deadlineSeconds} s`);
    const endMs = startsAfterMs + (entry.predictedDurationMs ?? 0);
    this.endMs = Math.max(this.endMs, endMs);
    for (const held of moveLanes) held.holdUntil(endMs);
    // What is stopped stays a disruption where budgets count what is down.
    for (const freedom of freedoms) {
      const isForGood = fate.kind === "stop" && freedom.isOfDown;
      this.#lanesOf(freedom).holdUntil(isForGood ? Number.POSITIVE_INFINITY : endMs);
    }
    return { ...entry, startsAfterMs };
  }

  giveBack(): void {
    this.#places.giveBack();
  }

  #moveOf(server: VirtualServer, fate: Fate & { kind: "move" }): Planned {
    const forecast = this.#forecasts.of(server, {
      source: this.#nodes.get(server.status?.nodeName ?? ""),
      target: fate.targetNode,
      memoryBytes: this.#view.memoryBytes(server),
      mode: fate.fallback === "cold" ? "Cold" : undefined,
    });
    const { maxDowntimeMs } = moveWishes(server).options;
    const isAimed = forecast.predictedPauseMs === undefined && forecast.mode !== "Cold";
    return {
      server: nameOf(server),
      action: "Move",
      targetNode: fate.targetNode,
      ...forecast,
      ...(isAimed ? { maxDowntimeMs } : {}),
      ...(fate.why === undefined ? {} : { reason: fate.why }),
      ...(fate.fallback === undefined ? {} : { fallback: fate.fallback }),
    };
  }

  #lanesOf(freedom: Freedom): Lanes {
    const lanes = this.#budgetLanes.get(freedom.budget) ?? new Lanes(freedom.count);
    this.#budgetLanes.set(freedom.budget, lanes);
    return lanes;
  }

  #lanesFrom(source: string): Lanes {
    const lanes = this.#sourceLanes.get(source) ?? new Lanes(this.#view.limits.parallelOutboundPerNode);
    this.#sourceLanes.set(source, lanes);
    return lanes;
  }
}

function stopOf(server: VirtualServer, { why, fallback }: Fate & { kind: "stop" }): Planned {
  return { server: nameOf(server), action: "Stop", reason: why, fallback };
}
