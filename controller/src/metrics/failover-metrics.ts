import type { Registry } from "prom-client";
import { Counter, Gauge } from "prom-client";
import type { BrakeMode } from "../failover/storm-brake.ts";

const brakeValues: Readonly<Record<BrakeMode, number>> = { free: 0, slow: 1, stopped: 2 };

/** What became of the servers of lost nodes, since this controller began. */
export class FailoverMetrics {
  readonly #outcomes;
  readonly #brake;
  readonly #held;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#outcomes = new Counter({
      name: "vfleet_failovers_total",
      help: "Servers of lost nodes, by what became of them: restarted, restored, refused (the record had changed), restore-failed.",
      labelNames: ["outcome"] as const,
      registers,
    });
    this.#brake = new Gauge({
      name: "vfleet_failover_brake",
      help: "How lost nodes are acted upon: 0 as usual, 1 slowly since many are gone, 2 not at all.",
      registers,
    });
    this.#held = new Gauge({
      name: "vfleet_failover_held_nodes",
      help: "Lost nodes whose servers wait because of the brake.",
      registers,
    });
  }

  count(outcome: "restarted" | "restored" | "refused" | "restore-failed"): void {
    this.#outcomes.inc({ outcome });
  }

  brake(mode: BrakeMode, heldNodes: number): void {
    this.#brake.set(brakeValues[mode]);
    this.#held.set(heldNodes);
  }
}
