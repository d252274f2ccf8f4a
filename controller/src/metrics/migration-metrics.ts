import type { MigrationStatus } from "@vfleet/shared";
import type { Registry } from "prom-client";
import { Counter, exponentialBuckets, Histogram } from "prom-client";

/** Around what people notice, and what other systems aim at. */
const pauseBucketsSeconds = [0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30];
const durationBucketsSeconds = [0.5, 1, 2, 5, 10, 20, 60, 120, 300, 900, 3600];
/** 1 MiB to 256 GiB. */
const bytesBuckets = exponentialBuckets(2 ** 20, 4, 10);

/** How moves ended, since this controller began. */
export class MigrationMetrics {
  readonly #outcomes;
  readonly #pause;
  readonly #duration;
  readonly #memory;
  readonly #wire;

  constructor(registry: Registry) {
    const registers = [registry];
    const labelNames = ["mode"] as const;
    this.#outcomes = new Counter({
      name: "vfleet_migrations_total",
      help: "Migrations that have ended, by mode, outcome and reason.",
      labelNames: ["mode", "outcome", "reason"] as const,
      registers,
    });
    this.#pause = new Histogram({
      name: "vfleet_migration_pause_seconds",
      help: "Pause of migrations that succeeded: tasks frozen at the source until they run at the target.",
      labelNames,
      buckets: pauseBucketsSeconds,
      registers,
    });
    this.#duration = new Histogram({
      name: "vfleet_migration_duration_seconds",
      help: "Whole time of migrations that had begun, by mode and outcome.",
      labelNames: ["mode", "outcome"] as const,
      buckets: durationBucketsSeconds,
      registers,
    });
    this.#memory = new Histogram({
      name: "vfleet_migration_memory_bytes",
      help: "Memory of migrations that succeeded, before compression.",
      labelNames,
      buckets: bytesBuckets,
      registers,
    });
    this.#wire = new Histogram({
      name: "vfleet_migration_wire_bytes",
      help: "Bytes sent between hosts by migrations that succeeded.",
      labelNames,
      buckets: bytesBuckets,
      registers,
    });
  }

  /** Counts a move that has just ended, by its last status. */
  ended(status: MigrationStatus): void {
    const { phase: outcome = "Failed", reason = "", mode = "none" } = status;
    this.#outcomes.inc({ mode, outcome, reason });
    if (status.totalMs !== undefined) this.#duration.observe({ mode, outcome }, status.totalMs / 1000);
    if (outcome !== "Succeeded") return;
    if (status.pauseMs !== undefined) this.#pause.observe({ mode }, status.pauseMs / 1000);
    if (status.memoryBytes !== undefined) this.#memory.observe({ mode }, status.memoryBytes);
    if (status.wireBytes !== undefined) this.#wire.observe({ mode }, status.wireBytes);
  }
}
