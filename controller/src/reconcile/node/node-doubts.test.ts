import { expect, test } from "vitest";
import type { NodeReport } from "@vfleet/shared";
import { conditionOf, nodeReportSchema } from "@vfleet/shared";
import { usage } from "../../rebalance/sample-telemetry.ts";
import { nodeDoubts, type NodeDoubtsView } from "./node-doubts.ts";

const gibibyte = 2 ** 30;
const capacity = { milliCpu: 4000, memoryBytes: 8 * gibibyte, diskBytes: 20 * gibibyte, servers: 100 };
const report = { capacity, allocatable: capacity } as NodeReport; // of which nothing else is looked at

function doubtsOf(changes: Partial<NodeDoubtsView>) {
  return nodeDoubts({
    report,
    bootCapacity: capacity,
    requested: undefined,
    used: undefined,
    clockOffsetMs: undefined,
    before: [],
    ...changes,
  });
}

test.each<[string, Partial<NodeDoubtsView>, string, string]>([
  [
    "more allocatable than there is",
    { report: { ...report, allocatable: { ...capacity, memoryBytes: 64 * gibibyte } } },
    "MoreThanCapacity",
    "memory: 64.0 GiB allocatable of 8.0 GiB, counted as 8.0 GiB",
  ],
  [
    "a host that grows while it runs",
    { bootCapacity: { ...capacity, milliCpu: 2000 } },
    "Grown",
    "CPU: 4, it was 2 when it started",
  ],
  [
    "less than what runs there asks for",
    { requested: { milliCpu: 1000, memoryBytes: 9 * gibibyte, diskBytes: 0 } },
    "BelowRequests",
    "memory: 8.0 GiB allocatable, its servers ask for 9.0 GiB; nothing more is placed on it",
  ],
  [
    "more in use than there is",
    { used: { ...usage(100, 12 * gibibyte), pressure: {} } },
    "UsesMore",
    "memory: more is in use than the 8.0 GiB that it says it has",
  ],
])("doubts %s", (_what, changes, reason, message) => {
  expect(doubtsOf(changes)).toEqual([{ type: "CapacityCredible", status: "False", reason, message }]);
});

test("believes what fits together", () => {
  const used = { ...usage(4100, 8 * gibibyte), pressure: {} };
  const requested = { milliCpu: 4000, memoryBytes: 8 * gibibyte, diskBytes: 0 };
  expect(doubtsOf({ used, requested })).toEqual([{ type: "CapacityCredible", status: "True", reason: "Consistent" }]);
});

const minuteMs = 60_000;

interface Clock {
  offsetMs?: number;
  was?: "True" | "False";
  status?: string;
  words?: string;
}

test.each<[string, Clock]>([
  ["not known", {}],
  ["on time", { offsetMs: 9_000, status: "False" }],
  ["minutes ahead", { offsetMs: 3 * minuteMs + 4000, status: "True", words: "about 3 min ahead of the controller's" }],
  ["seconds behind", { offsetMs: -12_000, status: "True", words: "about 10 s behind the controller's" }],
  ["hours behind", { offsetMs: -5 * 60 * minuteMs, status: "True", words: "about 5 h behind" }],
  ["on its way back", { offsetMs: 9_000, was: "True", status: "True", words: "about 10 s ahead" }],
  ["back", { offsetMs: 4_000, was: "True", status: "False" }],
])("says of a clock that is %s", (_what, { offsetMs, was = "False", status, words = "" }) => {
  const before = [{ type: "ClockSkew", status: was }] as const;
  const skew = conditionOf(doubtsOf({ clockOffsetMs: offsetMs, before: [...before] }), "ClockSkew");
  expect(skew?.status).toBe(status);
  expect(skew?.message ?? "").toContain(words);
});

test.each([-1, 1.5, 1e300, Number.NaN, "many"])("a report that offers %s CPUs is refused, by name", (milliCpu) => {
  // What no number is becomes null on the wire.
  const said = JSON.parse(JSON.stringify({ capacity: { ...capacity, milliCpu } })) as object;
  const { error } = nodeReportSchema.safeParse(said);
  expect(error?.issues.map(({ path }) => path.join("."))).toContain("capacity.milliCpu");
});
