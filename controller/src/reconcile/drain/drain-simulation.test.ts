import { expect, test } from "vitest";
import { randomOf } from "../../rebalance/simulated-fleet.ts";
import { look } from "./drain-rules.ts";
import { SimulatedDrain } from "./simulated-drain.ts";

const seeds = 120;
const unrestSeconds = 150;
/** Pauses after failures come to two minutes, and a dozen moves one after the other to ten. */
const calmSeconds = 900;
const cancelSeconds = 60;

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
        const mustHaveEnded = cancelAt !== undefined && second > cancelAt + cancelSeconds;
        expect(fleet.isEnded || !mustHaveEnded).toBe(true);
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
