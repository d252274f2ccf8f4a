import { beforeAll, expect, test } from "vitest";
import { inBox } from "./system/in-box.ts";
import type { RefusedMoves, Wrong } from "./system/refused-moves.ts";
import { slowness } from "./system/slowness.ts";

const boxLimitMs = 55_000 * slowness;
const refusedByTarget = 'Cannot move "default/web" to "b": ';
const refusedHere = 'Cannot connect to node "b": ';
const date = String.raw`20\d\d-[\d-]*T[\d:.]*Z`;

let moves: RefusedMoves;
beforeAll(async () => {
  const options = { scenario: "refused", megabytes: 1, appendOnly: false, timeoutMs: boxLimitMs };
  moves = (await inBox<{ refused: RefusedMoves }>({ ...options, mode: "StopAndCopy" })).refused;
}, boxLimitMs);

test.each<[string, Wrong, string]>([
  [
    "a ticket that has expired",
    "ticket-expired",
    `${refusedByTarget}Cannot accept migration "op-1": its ticket has expired`,
  ],
  [
    "a ticket of another move",
    "ticket-of-another-move",
    `${refusedByTarget}Cannot accept migration "op-3": its ticket is for another move`,
  ],
  [
    "a ticket that another node shows",
    "ticket-of-another-node",
    `${refusedByTarget}Cannot accept migration "op-4": its ticket is for node a, presented by c`,
  ],
  [
    "a source whose certificate is not valid yet",
    "source-not-yet",
    `${refusedByTarget}the certificate "node:a" is valid from DATE to DATE, and at the target it is DATE`,
  ],
  [
    "a source whose certificate is not valid any more",
    "source-no-more",
    `${refusedByTarget}the certificate "node:a" is valid from DATE to DATE, and at the target it is DATE`,
  ],
  [
    "a target whose certificate is not valid yet",
    "target-not-yet",
    `${refusedHere}the certificate "node:b" is valid from DATE to DATE, and here it is DATE`,
  ],
  [
    "a target whose certificate is not valid any more",
    "target-no-more",
    `${refusedHere}the certificate "node:b" is valid from DATE to DATE, and here it is DATE`,
  ],
])("%s is refused by name, and the server runs on where it was", (_what, wrong, reason) => {
  const move = moves.wrong[wrong];
  expect(move.reason?.replaceAll(new RegExp(date, "g"), "DATE")).toBe(reason);
  expect([move.outcome, move.source.split(" ")[0], move.target.split(" ")[0]]).toEqual(["aborted", "failed", "failed"]);
  expect([move.client.gaps, move.client.error]).toEqual([0, undefined]);
  expect(move.held).toEqual({
    a: ["container web", "tasks", "volume web"],
    // Its own ticket was shown by another.
    b: wrong === "ticket-of-another-move" ? ["operation op-2-target"] : [],
    machine: ["ve-a joined"],
  });
});

test("a ticket that is shown again is refused by name, and the move that showed it first goes on", () => {
  const { saidToSecond, source, target, client } = moves.shared;
  expect(saidToSecond).toContain(String.raw`Cannot accept migration \"op-9\": its ticket is unknown or was used`);
  expect([source, target, client.gaps, client.error]).toEqual(["done", "done", 0, undefined]);
});

test("after all of that the server can be moved", () => {
  const { source, target, client } = moves.afterwards;
  expect([source, target, client.gaps, client.error]).toEqual(["done", "done", 0, undefined]);
});
