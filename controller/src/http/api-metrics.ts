import { kinds } from "@vfleet/shared";
import type { Registry } from "prom-client";
import { Counter, Gauge } from "prom-client";
import type { ObjectStore } from "../store/object-store.ts";

export interface ApiMetricsOptions {
  registry: Registry;
  store: ObjectStore;
  /** Open at this moment. */
  counts: () => { watches: number; streams: number };
}

/** What the API server says of itself; all but the requests is looked up when it is asked for. */
export class ApiMetrics {
  readonly #requests: Counter<"method" | "code">;

  constructor({ registry, store, counts }: ApiMetricsOptions) {
    const registers = [registry];
    this.#requests = new Counter({
      name: "vfleet_api_requests_total",
      help: "Requests answered, by method and code.",
      labelNames: ["method", "code"],
      registers,
    });
    const gauge = (name: string, help: string, value: () => number) =>
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(value());
        },
      });
    gauge("vfleet_api_watches", "Watches open now.", () => counts().watches);
    gauge("vfleet_api_streams", "Exec streams open now.", () => counts().streams);
    gauge("vfleet_store_connected", "Whether the object store is followed at this moment.", () =>
      store.connected ? 1 : 0,
    );
    // Registered by its making.
    void new Gauge({
      name: "vfleet_objects",
      help: "Objects stored, by kind.",
      labelNames: ["kind"],
      registers,
      collect() {
        for (const kind of kinds) this.set({ kind: kind.kind }, store.list(kind).items.length);
      },
    });
  }

  answered(method: string, code: number): void {
    this.#requests.inc({ method, code: String(code) });
  }
}
