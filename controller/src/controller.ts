import { readFileSync } from "node:fs";
import type { ControllerConfig, Environment, Logger } from "@vfleet/shared";
import { messageOf, Revert } from "@vfleet/shared";
import type { NatsConnection } from "nats";
import { connect, Events, nkeyAuthenticator } from "nats";
import { Registry } from "prom-client";
import { fleetAdmission } from "./admission/fleet-admission.ts";
import { AgentStreams } from "./fleet/agent-streams.ts";
import { startFleetControl } from "./fleet-control.ts";
import { startApiServer } from "./http/api-server.ts";
import { startObjectStore } from "./store/start-object-store.ts";
import { RedisTelemetry } from "./telemetry/redis-telemetry.ts";

export interface ControllerOptions {
  config: ControllerConfig;
  environment: Environment;
  log: Logger;
}

export interface Controller {
  /** TCP port of the API. */
  readonly port: number;
  close(): Promise<void>;
}

/** Starts everything a controller is, in the order in which each needs the one before; waits for NATS as long as it takes. */
export async function startController({ config, environment, log }: ControllerOptions): Promise<Controller> {
  const revert = new Revert();
  const close = async () => {
    for (const failure of await revert.revert()) log.warn({ failure }, "not ended cleanly");
  };
  try {
    const connection = await connectNats(config, log);
    revert.add("NATS", () => connection.close());
    const store = await startObjectStore({ connection, environment, log, replicas: config.nats.replicas });
    revert.add("object store", () => store.close());
    const telemetry = new RedisTelemetry({ url: config.redis.url, log });
    revert.add("telemetry", () => telemetry.close());
    const registry = new Registry();
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
      admission: [fleetAdmission({ store, addresses: control.addresses })],
      guestStreams: new AgentStreams({ store, ownership: control.ownership, tls: config.agentTls }),
      telemetry,
      registry,
    });
    revert.add("API", () => api.close());
    log.info({ port: api.port }, "controller ready");
    return { port: api.port, close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

/** A connection for as long as the program runs: it comes back by itself. */
async function connectNats({ nats }: ControllerConfig, log: Logger): Promise<NatsConnection> {
  const connection = await connect({
    servers: nats.servers,
    name: "vfleet-controller",
    authenticator: nkeyAuthenticator(Buffer.from(readFileSync(nats.nkeySeedFile, "utf8").trim())),
    tls: { caFile: nats.tls.ca, certFile: nats.tls.certificate, keyFile: nats.tls.key },
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    waitOnFirstConnect: true,
    pingInterval: 5_000,
    maxPingOut: 3,
  });
  void logStatus(connection, log);
  return connection;
}

async function logStatus(connection: NatsConnection, log: Logger): Promise<void> {
  try {
    for await (const status of connection.status()) {
      if (status.type === Events.Disconnect || status.type === Events.Reconnect)
        log.warn({ status: status.type }, "nats");
    }
  } catch (thrown) {
    log.warn({ error: messageOf(thrown) }, "nats status ended");
  }
}
