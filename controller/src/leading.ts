import type { ControllerConfig, Environment, Logger } from "@vfleet/shared";
import { Revert } from "@vfleet/shared";
import type { NatsConnection } from "nats";
import type { Registry } from "prom-client";
import { fleetAdmission } from "./admission/fleet-admission.ts";
import { AgentStreams } from "./fleet/agent-streams.ts";
import { CheckpointArchives } from "./fleet/checkpoint-archives.ts";
import { serverView } from "./reconcile/checkpoint/checkpoint-view.ts";
import { startFleetControl } from "./fleet-control.ts";
import { startApiServer } from "./http/api-server.ts";
import type { ObjectStore } from "./store/object-store.ts";
import type { RedisTelemetry } from "./telemetry/redis-telemetry.ts";

export interface LeadingOptions {
  config: ControllerConfig;
  environment: Environment;
  log: Logger;
  connection: NatsConnection;
  store: ObjectStore;
  telemetry: RedisTelemetry;
  /** Gets the metrics of all that leads. */
  registry: Registry;
  /** Whether this process leads at this moment; none: it is the only one. */
  isLeading: (() => boolean) | undefined;
}

export interface Leading {
  readonly epoch: number;
  /** TCP port of the API. */
  readonly port: number;
  close(): Promise<void>;
}

/** All that only one process of a fleet may do: the loops, the link to agents, the API. Nothing of it is there before, and nothing in its memory outlives it. */
export async function startLeading(options: LeadingOptions): Promise<Leading> {
  const { config, environment, log, connection, store, telemetry, registry, isLeading } = options;
  const revert = new Revert();
  const close = async () => {
    for (const failure of await revert.revert()) log.warn({ failure }, "not ended cleanly");
  };
  try {
    const startedMs = environment.monotonicMs();
    // What the leader before acknowledged last may still be on its way here.
    if (isLeading !== undefined) await store.catchUp();
    const control = await startFleetControl({
      config,
      registry,
      environment,
      log,
      connection,
      store,
      onTelemetry: (sample) => telemetry.write(sample),
      samples: () => telemetry.latest(),
    });
    revert.add("fleet control", () => control.close());
    const api = await startApiServer({
      environment,
      log,
      store,
      config,
      admission: [
        fleetAdmission({
          store,
          addresses: control.addresses,
          serverView: (place) => serverView({ store, ownership: control.ownership, presence: control.presence }, place),
        }),
      ],
      guestStreams: new AgentStreams({ store, ownership: control.ownership, tls: config.agentTls }),
      archives: new CheckpointArchives({ store, presence: control.presence, tls: config.agentTls }),
      telemetry,
      registry,
      ...(isLeading === undefined ? {} : { isServing: isLeading }),
    });
    revert.add("API", () => api.close());
    const { epoch } = control;
    log.info({ epoch, port: api.port, tookMs: Math.round(environment.monotonicMs() - startedMs) }, "leading");
    return { epoch, port: api.port, close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}
