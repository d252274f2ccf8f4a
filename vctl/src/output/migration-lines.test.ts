import { expect, test } from "vitest";
import { migrationResult, migrationState, RateMeter, RoundLines } from "./migration-lines.ts";

test("a migration that copies shows how far it is and how fast", () => {
  const { bar } = migrationState({
    server: "web",
    status: { phase: "Freezing", movedBytes: 128 * 2 ** 20, expectedBytes: 256 * 2 ** 20 },
    bytesPerSecond: 256 * 2 ** 20,
  });
  expect(bar).toBe(
    "web: Freezing [############            ]  50% 128.0 MiB of 256.0 MiB, 256.0 MiB/s, about 500 ms of pause left",
  );
});

test("of a cold one nobody knows how long its server takes to stop and to start", () => {
  const status = { mode: "Cold", phase: "Freezing", movedBytes: 2 ** 20, expectedBytes: 2 ** 20 } as const;
  const { bar } = migrationState({ server: "web", status, bytesPerSecond: 2 ** 20 });
  expect(bar).toBe("web: Freezing [########################] 100% 1.0 MiB of 1.0 MiB, 1.0 MiB/s");
});

test("one that waits says why", () => {
  expect(
    migrationState({ server: "web", status: { reason: "Busy", message: "two moves of host-1 are under way" } })
      .headline,
  ).toBe("web: Pending: two moves of host-1 are under way");
});

test("the end tells the route and the pause", () => {
  expect(
    migrationResult("web", {
      sourceNode: "host-1",
      targetNode: "host-2",
      pauseMs: 412.3,
      totalMs: 2800,
      wireBytes: 2 ** 20,
    }),
  ).toBe("web migrated host-1 -> host-2: pause 412 ms, total 2.80 s, sent 1.0 MiB");
});

test("a rate needs a little time", () => {
  const meter = new RateMeter();
  expect(meter.measure(0, 0)).toBeUndefined();
  expect(meter.measure(50, 50)).toBeUndefined();
  expect(meter.measure(1000, 500)).toBe(2000);
});

test("rounds, rates and the predicted pause show while it runs", () => {
  const { bar } = migrationState({
    server: "web",
    status: {
      phase: "Syncing",
      movedBytes: 64 * 2 ** 20,
      expectedBytes: 256 * 2 ** 20,
      round: 2,
      rateBytesPerSecond: 100 * 2 ** 20,
      dirtyRateBytesPerSecond: 5 * 2 ** 20,
      predictedPauseMs: 420,
    },
  });
  expect(bar).toBe(
    "web: Syncing [######                  ]  25% 64.0 MiB of 256.0 MiB, 100.0 MiB/s, round 2, 5.0 MiB/s written, pause predicted 420 ms",
  );
});

test("while pages are still at the source it says that both hosts are needed", () => {
  const { headline, bar } = migrationState({
    server: "web",
    status: {
      phase: "Committed",
      message: "both hosts are needed until the last page has arrived",
      bothHostsNeeded: true,
      movedBytes: 2 ** 20,
      rateBytesPerSecond: 2 ** 20,
      pauseMs: 150,
    },
  });
  expect(headline).toBe("web: Committed: both hosts are needed until the last page has arrived");
  expect(bar).toBe("web: Committed 1.0 MiB, 1.0 MiB/s, pause 150 ms, both hosts needed");
});

test("a round is told once, when it has ended", () => {
  const lines = new RoundLines();
  const first = { round: 0, pages: 256, bytes: 2 ** 20, durationMs: 40 };
  expect(lines.news("web", {})).toEqual([]);
  expect(lines.news("web", { rounds: [first] })).toEqual(["web: round 0: 1.0 MiB in 256 pages, 40 ms"]);
  expect(lines.news("web", { rounds: [first, { ...first, round: 1 }] })).toEqual([
    "web: round 1: 1.0 MiB in 256 pages, 40 ms",
  ]);
});
