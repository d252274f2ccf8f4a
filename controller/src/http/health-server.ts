import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Gauge, Registry } from "prom-client";
import { addLeaderMetrics, type LeaderState } from "../metrics/leader-metrics.ts";
import type { ObjectStore } from "../store/object-store.ts";

export interface HealthServerOptions {
  listen: { host: string; port: number };
  store: ObjectStore;
  state: () => LeaderState;
}

export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

interface Answer {
  code: number;
  body: string;
  type?: string;
}

/** What probes ask of a controller that may not lead, and so serves no API. Plain HTTP, nothing secret. */
export async function startHealthServer({ listen, store, state }: HealthServerOptions): Promise<HealthServer> {
  const registry = new Registry();
  addLeaderMetrics(registry, state);
  // Registered by its making.
  void new Gauge({
    name: "vfleet_store_connected",
    help: "Whether the object store is followed at this moment.",
    registers: [registry],
    collect() {
      this.set(store.connected ? 1 : 0);
    },
  });
  const answers: Readonly<Record<string, () => Promise<Answer>>> = {
    "/healthz": async () => ({ code: 200, body: "ok" }),
    "/livez": async () => ({ code: 200, body: "ok" }),
    "/readyz": async () => {
      if (!store.connected) return { code: 503, body: "the object store is not connected" };
      return { code: 200, body: state().isLeading ? "leading" : "standing by" };
    },
    "/metrics": async () => ({ code: 200, body: await registry.metrics(), type: registry.contentType }),
  };
  const server = createServer((request, response) => {
    const answer =
      answers[request.url?.split("?")[0] ?? ""] ?? (async (): Promise<Answer> => ({ code: 404, body: "not found" }));
    void answer().then(({ code, body, type }) =>
      response.writeHead(code, { "content-type": type ?? "text/plain" }).end(body),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(listen.port, listen.host, resolve);
  });
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return {
    port,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
