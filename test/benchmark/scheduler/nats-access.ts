import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { NatsConnection } from "nats";
import { connect, nkeyAuthenticator } from "nats";

/** What a process needs to speak to the control plane's NATS server. */
export interface NatsAccess {
  url: string;
  seed: string;
  /** With the certificate. */
  folder: string;
}

/** With all permissions: what NATS allows each node is not measured here. */
export async function connectNats({ url, seed, folder }: NatsAccess): Promise<NatsConnection> {
  const [ca = "", cert = "", key = ""] = ["ca.pem", "part.pem", "part.key"].map((file) =>
    readFileSync(join(folder, file), "utf8"),
  );
  return connect({ servers: url, authenticator: nkeyAuthenticator(Buffer.from(seed)), tls: { ca, cert, key } });
}
