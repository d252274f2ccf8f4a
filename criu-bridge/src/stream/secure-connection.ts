import { readFileSync } from "node:fs";
import { connect, type AddressInfo, type Server } from "node:net";
import * as tls from "node:tls";
import type { TlsFiles } from "@vfleet/shared";
import { fail } from "../errors.ts";
import { streamVersion } from "./frame.ts";

/** Hosts that speak another version of the stream don't get past the handshake. */
export const migrationProtocol = `vfleet-migration/${streamVersion}`;
const handshakeLimitMs = 10_000;

/** One authority, TLS 1.3 only; AES-128 since bulk data is bound by the processor. */
function secureContext(files: TlsFiles) {
  return {
    ca: readFileSync(files.ca),
    cert: readFileSync(files.certificate),
    key: readFileSync(files.key),
    minVersion: "TLSv1.3" as const,
    ciphers: "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384",
    ALPNProtocols: [migrationProtocol],
  };
}

/** `node:NAME` of the peer's certificate, which the fleet's authority has signed. */
function peerNode(socket: tls.TLSSocket): string | undefined {
  const name = socket.getPeerCertificate().subject?.CN;
  return typeof name === "string" && name.startsWith("node:") ? name.slice("node:".length) : undefined;
}

export interface SecureListener {
  port: number;
  close(): void;
}

export interface ListenOptions {
  tls: TlsFiles;
  address: string;
  /** 0: any. */
  port: number;
  /** Gets every connection of an authenticated node. */
  accept(socket: tls.TLSSocket, node: string): void;
  /** A connection that was refused. */
  refused(reason: string): void;
}

/** Listens for migrations from other nodes. */
export async function listenSecurely(options: ListenOptions): Promise<SecureListener> {
  const server: Server = tls.createServer(
    { ...secureContext(options.tls), requestCert: true, rejectUnauthorized: true, handshakeTimeout: handshakeLimitMs },
    (socket) => {
      const node = peerNode(socket);
      if (node === undefined || socket.alpnProtocol !== migrationProtocol) {
        options.refused(
          node === undefined ? "the certificate names no node" : `protocol ${migrationProtocol} is needed`,
        );
        socket.destroy();
        return;
      }
      options.accept(socket, node);
    },
  );
  server.on("tlsClientError", (error: Error, socket: tls.TLSSocket) => {
    options.refused(error.message);
    socket.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: options.address, port: options.port }, resolve);
  });
  // A TCP server's address is an object once it listens.
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}

export interface DialOptions {
  tls: TlsFiles;
  address: string;
  port: number;
  /** The node that must answer. */
  node: string;
}

/** Connects to that very node, whatever else the authority has signed. */
export async function dialSecurely(options: DialOptions): Promise<tls.TLSSocket> {
  const raw = connect({ host: options.address, port: options.port, noDelay: true });
  return new Promise((resolve, reject) => {
    const refuse = (error: Error) => {
      raw.destroy();
      reject(fail("connect-failed", { node: options.node, reason: error.message }, { cause: error }));
    };
    // Stays: after the handshake the TLS socket reports the same failure, and nobody else may be listening here.
    raw.on("error", refuse);
    raw.setTimeout(handshakeLimitMs, () => refuse(new Error(`no answer within ${handshakeLimitMs} ms`)));
    const socket = tls.connect({
      ...secureContext(options.tls),
      socket: raw,
      // Nodes are named by their certificate's common name, not by their address.
      checkServerIdentity: (_, certificate) =>
        certificate.subject.CN === `node:${options.node}`
          ? undefined
          : new Error(`certificate of node:${options.node} is needed, found ${String(certificate.subject.CN)}`),
    });
    socket.once("error", refuse);
    socket.once("secureConnect", () => {
      raw.setTimeout(0);
      socket.off("error", refuse);
      resolve(socket);
    });
  });
}
