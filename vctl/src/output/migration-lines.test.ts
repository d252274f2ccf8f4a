import { expect, test } from "vitest";
import { migrationResult, migrationState, RateMeter } from "./migration-lines.ts";

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
