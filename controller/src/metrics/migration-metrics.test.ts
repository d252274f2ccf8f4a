import { expect, test } from "vitest";
import { Registry } from "prom-client";
import { MigrationMetrics } from "./migration-metrics.ts";

test("counts outcomes by mode and reason, and measures those that succeeded", async () => {
  const registry = new Registry();
  const metrics = new MigrationMetrics(registry);
  metrics.ended({
    phase: "Succeeded",
    mode: "StopAndCopy",
    pauseMs: 412,
    totalMs: 1500,
    memoryBytes: 2 ** 28,
    wireBytes: 2 ** 24,
  });
  metrics.ended({ phase: "Failed", mode: "Postcopy", reason: "PostCopyLost", pauseMs: 150, totalMs: 9000 });
  metrics.ended({ phase: "Failed", reason: "NoTargetFits" });
  const text = await registry.metrics();
  for (const line of [
    'vfleet_migrations_total{mode="StopAndCopy",outcome="Succeeded",reason=""} 1',
    'vfleet_migrations_total{mode="Postcopy",outcome="Failed",reason="PostCopyLost"} 1',
    'vfleet_migrations_total{mode="none",outcome="Failed",reason="NoTargetFits"} 1',
    'vfleet_migration_pause_seconds_bucket{le="0.3",mode="StopAndCopy"} 0',
    'vfleet_migration_pause_seconds_bucket{le="0.5",mode="StopAndCopy"} 1',
    'vfleet_migration_pause_seconds_sum{mode="StopAndCopy"} 0.412',
    'vfleet_migration_duration_seconds_count{mode="Postcopy",outcome="Failed"} 1',
    'vfleet_migration_memory_bytes_sum{mode="StopAndCopy"} 268435456',
    'vfleet_migration_wire_bytes_sum{mode="StopAndCopy"} 16777216',
  ])
    expect(text).toContain(`${line}\n`);
  expect(text).not.toContain('vfleet_migration_pause_seconds_count{mode="Postcopy"}');
});
