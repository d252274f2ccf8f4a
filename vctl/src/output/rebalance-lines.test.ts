import { expect, test } from "vitest";
import { rebalanceLines } from "./rebalance-lines.ts";

const node = {
  name: "host-1",
  resource: "cpu" as const,
  rounds: 3,
  sampledAtMs: 1,
  load: { cpu: 124.3, memory: 12 },
  pressure: { cpu: 45 },
  message: "CPU pressure 45 %, threshold 20 %: default/small should move to host-2",
  move: {
    server: "default/small",
    targetNode: "host-2",
    predictedPauseMs: 420,
    bytes: 64 * 2 ** 20,
    gainPercent: 35.7,
    sourceLoadPercent: 88.6,
    targetLoadPercent: 50,
  },
  candidates: [
    { server: "default/small", verdict: "to host-2" },
    { server: "default/hog", verdict: "it would overload host-2: CPU 101 %, 80 % may be" },
  ],
  candidatesLeftOut: 2,
};

test("a round without overload is one line", () =>
  expect(rebalanceLines({ message: "2 nodes measured, none overloaded", nodes: [] })).toEqual([
    "2 nodes measured, none overloaded",
  ]));

test("an overloaded node is shown with what was read, what moves, and why others don't", () =>
  expect(rebalanceLines({ message: "2 nodes measured, 1 overloaded, 1 move suggested", nodes: [node] })).toEqual([
    "2 nodes measured, 1 overloaded, 1 move suggested",
    "",
    "host-1: CPU pressure 45 %, threshold 20 %: default/small should move to host-2",
    "  RESOURCE   LOAD        PRESSURE",
    "  cpu        124.3%      45%",
    "  memory     12%         <unknown>",
    "  io         <unknown>   <unknown>",
    "  default/small to host-2: gain 35.7%, pause 420 ms, 64.0 MiB; suggested",
    "  SERVER          VERDICT",
    "  default/small   to host-2",
    "  default/hog     it would overload host-2: CPU 101 %, 80 % may be",
    "  and 2 more",
  ]));

test("a move that was begun names its migration", () =>
  expect(rebalanceLines({ nodes: [{ ...node, move: { ...node.move, migration: "small-rebalance-1" } }] })).toContain(
    "  default/small to host-2: gain 35.7%, pause 420 ms, 64.0 MiB; migration small-rebalance-1",
  ));
