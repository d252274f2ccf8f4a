import { readFileSync } from "node:fs";
import type { ControllerConfig, Logger } from "@vfleet/shared";
import { messageOf } from "@vfleet/shared";
import type { ConnectionOptions, NatsConnection } from "nats";
import { connect, Events, nkeyAuthenticator } from "nats";

/** Of one server: it comes back, or nothing does. */
const alone: ConnectionOptions = { pingInterval: 5_000, maxPingOut: 3 };
/** Of several: the first is the nearest, and one that is silent is left soon. */
const oneOfSeveral: ConnectionOptions = { noRandomize: true, pingInterval: 500, maxPingOut: 2, timeout: 2_000 };

/** A connection for as long as the program runs: it comes back by itself. */
export async function connectNats({ nats }: Pick<ControllerConfig, "nats">, log: Logger): Promise<NatsConnection> {
  const connection = await connect({
    servers: nats.servers,
    name: "vfleet-controller",
    authenticator: nkeyAuthenticator(Buffer.from(readFileSync(nats.nkeySeedFile, "utf8").trim())),
    tls: { caFile: nats.tls.ca, certFile: nats.tls.certificate, keyFile: nats.tls.key },
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    reconnectJitterTLS: 100,
    waitOnFirstConnect: true,
    // Those that servers tell of are at addresses that may not be meant for controllers.
    ignoreClusterUpdates: true,
    ...(nats.servers.length > 1 ? oneOfSeveral : alone),
  });
  void logStatus(connection, log);
  return connection;
}

async function logStatus(connection: NatsConnection, log: Logger): Promise<void> {
  try {
    for await (const status of connection.status()) {
      if (status.type === Events.Disconnect || status.type === Events.Reconnect)
        log.warn({ status: status.type, server: connection.getServer() }, "nats");
    }
  } catch (thrown) {
    log.warn({ error: messageOf(thrown) }, "nats status ended");
  }
}
