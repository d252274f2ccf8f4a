import { nodeInboxPrefix, subjects } from "@vfleet/shared";

export interface NatsConfigOptions {
  /** Default `control`. */
  readonly name?: string;
  /** None: it is the only server. */
  readonly cluster?: NatsCluster;
  readonly address: string;
  readonly port: number;
  readonly storeFolder: string;
  readonly tls: { readonly ca: string; readonly certificate: string; readonly key: string };
  /** Public nkeys. */
  readonly controllerKey: string;
  readonly nodeKeys: ReadonlyMap<string, string>;
}

interface NatsCluster {
  readonly port: number;
  /** Addresses of all its servers. */
  readonly members: readonly string[];
  readonly password: string;
}

/** Commands may take long before they are answered. */
const replyWithin = "10m";

/** What a node's identity may do: hear its own commands and replies and what all are told, say its own things. Nothing of JetStream or of others. */
export function nodePermissions(node: string) {
  return {
    subscribe: { allow: [subjects.command(node), subjects.network, `${nodeInboxPrefix(node)}.>`] },
    publish: {
      allow: [subjects.report(node), subjects.progress(node), subjects.telemetry(node), subjects.request(node)],
    },
    allow_responses: { max: 1, expires: replyWithin },
  };
}

/**
 * Configuration of nats-server, in the JSON that it reads too.
 * https://docs.nats.io/running-a-nats-service/configuration
 */
export function natsConfig(options: NatsConfigOptions): string {
  const { name = "control", cluster, address, port, storeFolder, tls, controllerKey, nodeKeys } = options;
  const certificate = { cert_file: tls.certificate, key_file: tls.key, ca_file: tls.ca, verify: true, timeout: 5 };
  const config = {
    server_name: name,
    listen: `${address}:${port}`,
    max_payload: 8 * 1024 * 1024,
    // A node that lost power is found out about by its silence on the link too.
    ping_interval: "5s",
    ping_max: 3,
    jetstream: {
      store_dir: storeFolder,
      sync_interval: "always",
      max_memory_store: 64 * 1024 * 1024,
      max_file_store: 4 * 1024 ** 3,
    },
    tls: certificate,
    ...(cluster === undefined ? {} : { cluster: clusterConfig(address, cluster, certificate) }),
    authorization: {
      users: [
        { nkey: controllerKey, permissions: { publish: ">", subscribe: ">" } },
        ...[...nodeKeys].map(([node, nkey]) => ({ nkey, permissions: nodePermissions(node) })),
      ],
    },
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

const routesUser = "routes";

function clusterConfig(address: string, { port, members, password }: NatsCluster, tls: object) {
  return {
    name: "vfleet",
    listen: `${address}:${port}`,
    tls,
    // Beside the certificate, which every node of the fleet has one of.
    authorization: { user: routesUser, password, timeout: 5 },
    routes: members.map((member) => `nats-route://${routesUser}:${password}@${member}:${port}`),
    // A client is told of its servers by its own configuration.
    no_advertise: true,
  };
}
