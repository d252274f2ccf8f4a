import { readFileSync } from "node:fs";
import { connect, type AddressInfo, type Server } from "node:net";
import * as tls from "node:tls";
import type { Environment, TlsFiles } from "@vfleet/shared";
import { fail } from "../errors.ts";
import { streamVersion } from "./frame.ts";
import { peerOf } from "./peer-certificate.ts";

/** Hosts that speak another version of the stream don't get past the handshake. */
export const migrationProtocol = `vfleet-migration/${streamVersion}`;
const handshakeLimitMs = 10_000;

/** One authority, TLS 1.3 only; AES-128 since bulk data is bound by the processor. */
function secureContext(files: TlsFiles) {
  return {
    ca: readFileSync(files.ca),
    cert: readFileSync(files.certificate),
    key: readFileSync(files.key),
    // By `peerOf`, which can say why.
    rejectUnauthorized: false,
    minVersion: "TLSv1.3" as const,
    ciphers: "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384",
    ALPNProtocols: [migrationProtocol],
  };
}

export interface SecureListener {
  port: number;
  close(): void;
}

export interface ListenOptions {
  tls: TlsFiles;
  environment: Pick<Environment, "nowMs">;
  address: string;
  /** 0: any. */
  port: number;
  /** Gets every connection of an authenticated node. */
  accept(socket: tls.TLSSocket, node: string): void;
  /** Gets the connection of one that is a node by an outdated certificate, to tell it so. */
  turnAway(socket: tls.TLSSocket, reason: string): void;
  /** A connection that was refused. */
  refused(reason: string): void;
}

/** Listens for migrations from other nodes. */
export async function listenSecurely(options: ListenOptions): Promise<SecureListener> {
  const { tls: files, environment } = options;
  const server: Server = tls.createServer(
    { ...secureContext(files), requestCert: true, handshakeTimeout: handshakeLimitMs },
    (socket) => {
      const peer = peerOf(socket, { nowMs: environment.nowMs(), where: "at the target" });
      const isRightProtocol = socket.alpnProtocol === migrationProtocol;
      if (isRightProtocol && "node" in peer) {
        options.accept(socket, peer.node);
        return;
      }
      const reason = "complaint" in peer ? peer.complaint : `protocol ${migrationProtocol} is needed`;
      options.refused(reason);
      if (isRightProtocol && "isOutdated" in peer && peer.isOutdated) options.turnAway(socket, reason);
      else socket.destroy();
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
  environment: Pick<Environment, "nowMs">;
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
      checkServerIdentity: () => undefined,
    });
    socket.once("error", refuse);
    socket.once("secureConnect", () => {
      const peer = peerOf(socket, { nowMs: options.environment.nowMs(), where: "here" });
      raw.setTimeout(0);
      socket.off("error", refuse);
      if ("complaint" in peer) refuse(new Error(peer.complaint));
      else if (peer.node === options.node) resolve(socket);
      else refuse(new Error(`certificate of node:${options.node} is needed, found node:${peer.node}`));
    });
  });
}
