import type { Registry } from "prom-client";
import { Gauge } from "prom-client";

export interface LeaderState {
  isLeading: boolean;
  /** 0: does not lead. */
  epoch: number;
}

export function addLeaderMetrics(registry: Registry, state: () => LeaderState): void {
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(value());
      },
    });
  gauge("vfleet_leader", "Whether this controller leads.", () => (state().isLeading ? 1 : 0));
  gauge("vfleet_leader_epoch", "Counts controllers that led; 0 where this one doesn't.", () => state().epoch);
}
