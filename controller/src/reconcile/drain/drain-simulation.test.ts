import { expect, test } from "vitest";
import type { Migration } from "@vfleet/shared";
import { isMigrationEnded, isNodeReady } from "@vfleet/shared";
import { randomOf } from "../../rebalance/simulated-fleet.ts";
import { demandOf } from "../../scheduler/placement.ts";
import { countBudget, isBudgeted, usedOf } from "../disruption/budget-count.ts";
import { drained, SimulatedDrain } from "./simulated-drain.ts";
import { endedDrainPhases } from "./drain-step.ts";
import { isStoppedByDrain, movedNameOf, nameOf } from "./drain-view.ts";

const seeds = 120;
const unrestSeconds = 150;
/** Pauses after failures come to two minutes, and a dozen moves one after the other to ten. */
const calmSeconds = 900;
const cancelSeconds = 60;
const liveMovesMax = 6;
const coldMovesMax = 2;

function isOwn(fleet: SimulatedDrain, { metadata }: Migration): boolean {
  return metadata.ownerReferences?.some(({ uid }) => uid === fleet.uid) === true;
}

/** A look at the fleet, with what the rules of a drain say of it, whatever the code says. */
function look(fleet: SimulatedDrain): void {
  const before = fleet.view();
  const wasCordoned = fleet.nodes.get(drained)?.spec.unschedulable === true;
  const wasEnded = fleet.isEnded;
  const { actions, status } = fleet.decide();
  if (wasEnded) expect(actions).toEqual([]);
  const after = fleet.view();
  const { bringBack } = fleet.drain.spec;
  const begun = actions.filter(({ kind }) => kind === "move" || kind === "stop");
  if (begun.length > 0) {
    expect(wasCordoned).toBe(!bringBack);
    expect(fleet.drain.spec.cancel).toBe(false);
    expect(Date.parse(fleet.now)).toBeLessThan(Date.parse(status.deadlineAt ?? "9999-01-01T00:00:00.000Z"));
    const open = after.migrations.filter((move) => isOwn(fleet, move) && !isMigrationEnded(move));
    const stopping = after.servers.filter((one) => isStoppedByDrain(one, fleet.uid) && mayRun(one.status?.phase));
    expect(open.length + stopping.length).toBeLessThanOrEqual(fleet.drain.spec.maxParallel);
  }
  for (const action of begun) {
    const server = after.servers.find(({ metadata }) => "server" in action && metadata.name === action.server);
    if (server === undefined) throw new Error(`${JSON.stringify(action)} of a server that is not there`);
    expect(server.status?.nodeName === drained).toBe(!bringBack);
    for (const budget of after.budgets.filter((one) => isBudgeted(one, server))) {
      const moving = new Set(after.migrations.filter((move) => !isMigrationEnded(move)).map(movedNameOf));
      const count = countBudget(budget, after.servers, moving);
      const stopping = begun.filter(
        (one) =>
          one.kind === "stop" && !count.down.includes(`default/${one.server}`) && budget.spec.maxMoving === undefined,
      );
      expect(usedOf(budget, count) + stopping.length).toBeLessThanOrEqual(count.limit);
    }
    const ofIt = after.migrations.filter((move) => movedNameOf(move) === nameOf(server));
    expect(ofIt.filter((move) => !isMigrationEnded(move)).length).toBeLessThanOrEqual(1);
    if (!fleet.forgotten.has(server.metadata.name)) {
      const own = ofIt.filter((move) => isOwn(fleet, move));
      expect(own.length).toBeLessThanOrEqual(liveMovesMax);
      expect(own.filter((move) => move.status?.mode === "Cold").length).toBeLessThan(coldMovesMax);
    }
    if (action.kind !== "move") continue;
    const target = before.nodes.find(({ metadata }) => metadata.name === action.targetNode);
    expect(target !== undefined && isNodeReady(target) && target.spec.unschedulable !== true).toBe(true);
    expect(action.targetNode === drained).toBe(bringBack);
    const offered = before.candidates.find(({ name }) => name === action.targetNode);
    const together = begun.filter((one) => one.kind === "move" && one.targetNode === action.targetNode).length;
    const needed = together * demandOf(server).memoryBytes + (offered?.used.memoryBytes ?? 0);
    expect(needed).toBeLessThanOrEqual(offered?.allocatable.memoryBytes ?? 0);
  }
  if (fleet.isEnded && !wasEnded) ending(fleet);
}

function ending(fleet: SimulatedDrain): void {
  const { phase = "Pending" } = fleet.drain.status ?? {};
  const { migrations, servers } = fleet.view();
  expect(endedDrainPhases).toContain(phase);
  expect(migrations.filter((move) => isOwn(fleet, move) && !isMigrationEnded(move))).toEqual([]);
  if (phase !== "Succeeded" || fleet.drain.spec.bringBack) return;
  expect(servers.filter(({ status }) => status?.nodeName === drained && mayRun(status.phase))).toEqual([]);
}

function mayRun(phase: string | undefined): boolean {
  return phase !== "Stopped" && phase !== "Failed";
}

function untilEnded(fleet: SimulatedDrain): void {
  fleet.calmDown();
  for (let second = 0; second < calmSeconds && !fleet.isEnded; second++) {
    fleet.disturb();
    look(fleet);
  }
  expect(fleet.isEnded).toBe(true);
}

function endOf({ drain: { status } }: SimulatedDrain): string {
  return `${status?.phase} ${status?.reason ?? ""}`.trim();
}

test(`${seeds} drains and returns among failing moves, hosts that come and go, budgets and operators keep every bound, and end`, () => {
  const ends = new Set<string>();
  for (let seed = 1; seed <= seeds; seed++) {
    const random = randomOf(seed);
    const fleet = new SimulatedDrain(random);
    const cancelAt = seed % 4 === 0 ? Math.floor(random() * unrestSeconds) : undefined;
    try {
      for (let second = 0; second < unrestSeconds; second++) {
        if (second === cancelAt) fleet.cancel();
        fleet.disturb();
        if (random() < 0.8) look(fleet);
        if (cancelAt !== undefined && second > cancelAt + cancelSeconds) expect(fleet.isEnded).toBe(true);
      }
      untilEnded(fleet);
      ends.add(endOf(fleet));
      fleet.takeBack();
      for (let second = 0; second < unrestSeconds; second++) {
        fleet.disturb();
        if (random() < 0.8) look(fleet);
      }
      untilEnded(fleet);
      ends.add(`back: ${endOf(fleet)}`);
    } catch (thrown) {
      throw new Error(`seed ${seed}: ${JSON.stringify(fleet.drain.status)}`, { cause: thrown });
    }
  }
  // Every way to end was seen, or what was tried says little.
  expect([...ends].toSorted((a, b) => a.localeCompare(b))).toEqual([
    "back: Failed MovesFailed",
    "back: Succeeded",
    "Cancelled",
    "Failed DeadlineExceeded",
    "Failed MovesFailed",
    "Succeeded",
  ]);
}, 60_000);
