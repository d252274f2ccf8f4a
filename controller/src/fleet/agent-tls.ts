import { readFileSync } from "node:fs";
import { Agent } from "node:https";
import type { PeerCertificate } from "node:tls";
import type { TlsFiles } from "@vfleet/shared";

/** Connections to agents, by the name of their node: both ends' certificates are of the fleet's CA. */
export function agentTls({ ca, certificate, key }: TlsFiles): (node: string) => Agent {
  const credentials = { ca: readFileSync(ca), cert: readFileSync(certificate), key: readFileSync(key) };
  return (node) =>
    new Agent({
      ...credentials,
      minVersion: "TLSv1.3",
      // Agents are known by their node's name, wherever they listen.
      checkServerIdentity: (_host: string, found: PeerCertificate): Error | undefined =>
        found.subject.CN === `node:${node}`
          ? undefined
          : new Error(`certificate of "node:${node}" is needed, got "${String(found.subject.CN)}"`),
    });
}
