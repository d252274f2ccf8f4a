import { expect, test } from "vitest";
import { planRows, planSummary } from "./drain-plan-table.ts";

const why = "it cannot be moved while it runs: it uses io_uring";
const servers: Parameters<typeof planRows>[0]["servers"] = [
  {
    server: "default/cache",
    action: "Move",
    targetNode: "host-2",
    mode: "StopAndCopy",
    modeReason: "Within maxDowntime 900 ms",
    predictedPauseMs: 516,
    predictedDurationMs: 1055,
    startsAfterMs: 0,
  },
  {
    server: "default/big",
    action: "Move",
    targetNode: "host-3",
    mode: "Precopy",
    maxDowntimeMs: 900,
    predictedDurationMs: 12_345,
    startsAfterMs: 1055,
  },
  {
    server: "default/ring",
    action: "Move",
    targetNode: "host-2",
    mode: "Cold",
    fallback: "cold",
    reason: why,
    startsAfterMs: 0,
  },
  { server: "default/held", action: "Stop", fallback: "stop", reason: why, startsAfterMs: 0 },
  { server: "default/huge", action: "Wait", reason: "0/3 nodes fit" },
];

test("a plan is shown a server a row, with what isn't known said so", () => {
  expect(planRows({ servers, totalMs: 13_400 }).slice(1)).toEqual([
    ["default/cache", "Move", "host-2", "StopAndCopy", "516 ms", "1.05 s", "0 ms", ""],
    ["default/big", "Move", "host-3", "Precopy", "aim 900 ms", "12.3 s", "1.05 s", ""],
    ["default/ring", "Move", "host-2", "Cold", "stop to start", "<unknown>", "0 ms", `${why} (fallback cold)`],
    ["default/held", "Stop", "<none>", "<none>", "for good", "<unknown>", "0 ms", `${why} (fallback stop)`],
    ["default/huge", "Wait", "<none>", "<none>", "<none>", "<unknown>", "<none>", "0/3 nodes fit"],
  ]);
});

test("what is started is counted", () => {
  const started = [{ server: "default/held", action: "Start" as const, startsAfterMs: 0 }];
  expect(planSummary({ servers: [...servers, ...started], totalMs: 13_400 })).toContain(
    "3 to move, 1 to start, 1 to stop",
  );
});

test.each([
  [false, "3 to move, 1 to stop, 1 to wait for; about 13.4 s in all"],
  [true, "3 to move, 1 to stop, 1 to wait for; at least 13.4 s in all"],
])("the whole is a sentence", (isAtLeast, text) => {
  expect(planSummary({ servers, totalMs: 13_400, isAtLeast })).toBe(text);
});
