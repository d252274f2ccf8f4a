import type { Migration } from "@vfleet/shared";
import { isMigrationEnded, isNodeReady } from "@vfleet/shared";
import { demandOf } from "../../scheduler/placement.ts";
import { countBudget, isBudgeted, usedOf } from "../disruption/budget-count.ts";
import { endedDrainPhases } from "./drain-step.ts";
import { isStoppedByDrain, movedNameOf, nameOf } from "./drain-view.ts";
import { drained, type SimulatedDrain } from "./simulated-drain.ts";

const liveMovesMax = 6;
const coldMovesMax = 2;

function isOwn(fleet: SimulatedDrain, { metadata }: Migration): boolean {
  return metadata.ownerReferences?.some(({ uid }) => uid === fleet.uid) === true;
}

/** Has the drain look at the fleet. Throws where what it does breaks a rule of drains, whatever the code says. */
export function look(fleet: SimulatedDrain): void {
  const before = fleet.view();
  const wasCordoned = fleet.nodes.get(drained)?.spec.unschedulable === true;
  const wasEnded = fleet.isEnded;
  const { actions, status } = fleet.decide();
  must(!wasEnded || actions.length === 0, "one that has ended does nothing");
  const after = fleet.view();
  const { bringBack } = fleet.drain.spec;
  const begun = actions.filter(({ kind }) => kind === "move" || kind === "stop");
  if (begun.length > 0) {
    must(wasCordoned === !bringBack, "the cordon is there before anything is begun");
    must(!fleet.drain.spec.cancel, "nothing is begun after a cancel");
    const deadline = Date.parse(status.deadlineAt ?? "9999-01-01T00:00:00.000Z");
    must(Date.parse(fleet.now) < deadline, "nothing is begun after the deadline");
    const open = after.migrations.filter((move) => isOwn(fleet, move) && !isMigrationEnded(move));
    const stopping = after.servers.filter((one) => isStoppedByDrain(one, fleet.uid) && mayRun(one.status?.phase));
    must(open.length + stopping.length <= fleet.drain.spec.maxParallel, "not more at a time than maxParallel");
  }
  for (const action of begun) {
    const server = after.servers.find(({ metadata }) => "server" in action && metadata.name === action.server);
    if (server === undefined) throw new Error(`${JSON.stringify(action)} of a server that is not there`);
    must((server.status?.nodeName === drained) === !bringBack, "only servers of the right node are moved");
    for (const budget of after.budgets.filter((one) => isBudgeted(one, server))) {
      const moving = new Set(after.migrations.filter((move) => !isMigrationEnded(move)).map(movedNameOf));
      const count = countBudget(budget, after.servers, moving);
      const stopping = begun.filter(
        (one) =>
          one.kind === "stop" && !count.down.includes(`default/${one.server}`) && budget.spec.maxMoving === undefined,
      );
      must(usedOf(budget, count) + stopping.length <= count.limit, "no budget is exceeded");
    }
    const ofIt = after.migrations.filter((move) => movedNameOf(move) === nameOf(server));
    must(ofIt.filter((move) => !isMigrationEnded(move)).length <= 1, "one move of a server at a time");
    if (!fleet.forgotten.has(server.metadata.name)) {
      const own = ofIt.filter((move) => isOwn(fleet, move));
      must(own.length <= liveMovesMax, "so many moves of a server are tried and no more");
      const cold = own.filter((move) => move.status?.mode === "Cold");
      must(cold.length < coldMovesMax, "so many cold moves of a server are tried and no more");
    }
    if (action.kind !== "move") continue;
    const target = before.nodes.find(({ metadata }) => metadata.name === action.targetNode);
    const isOpen = target !== undefined && isNodeReady(target) && target.spec.unschedulable !== true;
    must(isOpen, "targets are ready and not cordoned");
    must((action.targetNode === drained) === bringBack, "only a return has the node for its target");
    const offered = before.candidates.find(({ name }) => name === action.targetNode);
    const together = begun.filter((one) => one.kind === "move" && one.targetNode === action.targetNode).length;
    const needed = together * demandOf(server).memoryBytes + (offered?.used.memoryBytes ?? 0);
    must(needed <= (offered?.allocatable.memoryBytes ?? 0), "a target has room for all that goes to it");
  }
  if (fleet.isEnded && !wasEnded) ending(fleet);
}

function ending(fleet: SimulatedDrain): void {
  const { phase = "Pending" } = fleet.drain.status ?? {};
  const { migrations, servers } = fleet.view();
  must(endedDrainPhases.includes(phase), "an end is one of the phases");
  const open = migrations.filter((move) => isOwn(fleet, move) && !isMigrationEnded(move));
  must(open.length === 0, "no move of it is open when it ends");
  if (phase !== "Succeeded" || fleet.drain.spec.bringBack) return;
  const left = servers.filter(({ status }) => status?.nodeName === drained && mayRun(status.phase));
  must(left.length === 0, "a node that was drained has no server that runs");
}

function mayRun(phase: string | undefined): boolean {
  return phase !== "Stopped" && phase !== "Failed";
}

function must(holds: boolean, rule: string): void {
  if (!holds) throw new Error(`broken: ${rule}`);
}
