import {
  type FleetControl,
  JetStreamObjectStore,
  Mirror,
  nextFirstRevision,
  type ObjectStore,
  Ownership,
  runFleetControl,
} from "@vfleet/controller/simulation";
import { controllerConfigSchema, type Logger } from "@vfleet/shared";
import { Registry } from "prom-client";
import type { KeyValue } from "../kernel/key-value.ts";
import type { MessageBus } from "../kernel/message-bus.ts";
import type { Process } from "../kernel/process.ts";
import { simulatedCounter, simulatedOwnership, simulatedRecords } from "../kernel/stores.ts";

const tls = { ca: "/unused", certificate: "/unused", key: "/unused" };
const config = controllerConfigSchema.parse({
  listen: {},
  tls,
  agentTls: tls,
  nats: { servers: ["unused"], nkeySeedFile: "/unused", tls },
  redis: { url: "redis://unused" },
  tokensFile: "/unused",
  // Short, so that it runs out in many runs.
  failover: { leaseMs: 4000, graceMs: 1000 },
});

export interface Buckets {
  objects: KeyValue;
  ownership: KeyValue;
  controller: KeyValue;
}

export interface SimulatedController {
  process: Process;
  /** Once it has started. */
  store?: ObjectStore;
  control?: FleetControl;
}

/** Starts the real controller, all but its API server, over simulated buckets and lines. */
export function startSimulatedController(
  process: Process,
  { buckets, bus, log }: { buckets: Buckets; bus: MessageBus; log: Logger },
): SimulatedController {
  const asker = { process, place: "controller" };
  const { environment } = process;
  const controller: SimulatedController = { process };
  const start = async () => {
    const store = new JetStreamObjectStore({
      records: simulatedRecords(buckets.objects, asker),
      mirror: new Mirror(),
      environment,
      log,
    });
    await store.fill();
    const ownership = await Ownership.over(simulatedOwnership(buckets.ownership, asker), { environment, log });
    const control = await runFleetControl({
      config,
      environment,
      log,
      connection: bus.client(process, "controller"),
      store,
      ownership,
      firstRevision: await nextFirstRevision(simulatedCounter(buckets.controller, asker)),
      registry: new Registry(),
      onTelemetry: () => undefined,
      samples: () => Promise.resolve([]),
    });
    Object.assign(controller, { store, control });
  };
  // Where it can't start it is ended, and started again by whoever looks after it.
  start().catch(() => process.kill());
  return controller;
}
