import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import type { Server } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { PassThrough } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { TLSSocket } from "node:tls";
import { WebSocketServer } from "ws";
import { codeOf, messageOf } from "@vfleet/shared";
import type { AgentConfig, Environment, Logger } from "@vfleet/shared";
import type { Engine } from "../engine/engine.ts";
import { compressProgram } from "../engine/image/image-stream.ts";
import { readServerLog } from "../engine/runtime/server-log.ts";
import type { CheckpointSessions } from "./checkpoint-sessions.ts";
import { channelProtocol } from "./channel-frames.ts";
import { parseExecParameters, runExecChannel } from "./exec-channel.ts";
import { parseLogParameters } from "./log-parameters.ts";

export interface PeerListenerOptions {
  config: Pick<AgentConfig, "tls" | "underlay">;
  engine: Engine;
  environment: Environment;
  log: Logger;
  /** Throws `server-unknown`. */
  requireServer: (uid: string) => void;
  checkpoints: Pick<CheckpointSessions, "send" | "receive" | "verify">;
}

const nodePrefix = "node:";
const controllerName = "controller";
const largestFrameBytes = 1 << 20;

/**
 * HTTPS for the fleet's own parts, each by its certificate: the controller runs commands, reads logs and imports checkpoints, nodes fetch images and checkpoints. Nobody else gets past the handshake.
 */
export class PeerListener {
  readonly #options: PeerListenerOptions;
  readonly #server: Server;
  readonly #webSockets = new WebSocketServer({
    noServer: true,
    maxPayload: largestFrameBytes,
    handleProtocols: (offered) => (offered.has(channelProtocol) ? channelProtocol : false),
  });

  constructor(options: PeerListenerOptions) {
    this.#options = options;
    const { ca, certificate, key } = options.config.tls;
    this.#server = createServer({
      ca: readFileSync(ca),
      cert: readFileSync(certificate),
      key: readFileSync(key),
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: "TLSv1.3",
    });
    // Logs are followed, images are large.
    this.#server.requestTimeout = 0;
    this.#server.on("request", (request, response) => void this.#onRequest(request, response));
    this.#server.on("upgrade", (request, socket, head) => this.#onUpgrade(request, socket, head));
  }

  listen(): Promise<void> {
    const { address, port } = this.#options.config.underlay;
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, address, () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "https://agent");
    const peer = peerName(request);
    const [, kind, name = "", what] = url.pathname.split("/").map(decodeURIComponent);
    try {
      if (kind === "checkpoints" && what === undefined && request.method === "PUT") {
        return peer === controllerName
          ? await this.#receiveCheckpoint(name, request, response)
          : answer(response, 403, "only the controller imports checkpoints");
      }
      if (request.method !== "GET") return answer(response, 405, "only GET is answered");
      if (kind === "servers" && what === "logs") {
        return peer === controllerName
          ? await this.#logs(name, url.searchParams, response)
          : answer(response, 403, "only the controller reads logs");
      }
      if (kind === "images" && what === undefined) {
        return peer.startsWith(nodePrefix)
          ? await this.#image(name, response)
          : answer(response, 403, "only nodes fetch images");
      }
      if (kind === "checkpoints" && what === undefined) return await this.#checkpoint(name, peer, response);
      if (kind === "checkpoints" && what === "verify" && peer === controllerName) {
        await this.#options.checkpoints.verify(name);
        return answer(response, 200, "whole");
      }
      return answer(response, 404, `nothing is at ${url.pathname}`);
    } catch (thrown) {
      this.#options.log.warn({ peer, path: url.pathname, err: thrown }, "request failed");
      if (response.headersSent) response.destroy();
      else answer(response, statusOf(thrown), messageOf(thrown));
    }
  }

  async #logs(uid: string, query: URLSearchParams, response: ServerResponse): Promise<void> {
    const { engine, environment, requireServer } = this.#options;
    requireServer(uid);
    const ended = new AbortController();
    response.once("close", () => ended.abort());
    response.writeHead(200, { "content-type": "text/plain; charset=utf-8" });
    response.flushHeaders();
    const { limitBytes, ...options } = parseLogParameters(query, environment.nowMs());
    let sentBytes = 0;
    for await (const line of readServerLog(engine.layout.logFile(uid), { ...options, signal: ended.signal })) {
      const bytes = Buffer.from(line).subarray(0, limitBytes - sentBytes);
      sentBytes += bytes.length;
      if (!response.write(bytes))
        await new Promise((resolve) => response.once("drain", resolve).once("close", resolve));
      if (sentBytes >= limitBytes) break;
    }
    response.end();
  }

  async #image(digest: string, response: ServerResponse): Promise<void> {
    const { volumes } = this.#options.engine;
    if (!(await volumes.hasImage(digest))) return answer(response, 404, `image "${digest}" is not here`);
    response.writeHead(200, { "content-type": "application/zstd" });
    await pipeline(compressProgram(volumes.sendImage(digest)), response);
  }

  async #checkpoint(id: string, peer: string, response: ServerResponse): Promise<void> {
    const archive = this.#options.checkpoints.send(id, peer);
    response.writeHead(200, { "content-type": "application/zstd" });
    await pipeline(compressProgram(archive), response);
  }

  async #receiveCheckpoint(id: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    // What is refused in the middle is answered, and who sends it reads that.
    const archive = new PassThrough();
    request.once("close", () => request.complete || archive.destroy(new Error("it was cut")));
    request.pipe(archive);
    archive.once("close", () => request.resume());
    const details = await this.#options.checkpoints.receive(id, archive);
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(details));
  }

  #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on("error", () => socket.destroy());
    const url = new URL(request.url ?? "/", "https://agent");
    const peer = peerName(request);
    const [, kind, uid = "", what] = url.pathname.split("/").map(decodeURIComponent);
    if (kind !== "servers" || what !== "exec") return refuseUpgrade(socket, 404);
    if (peer !== controllerName) return refuseUpgrade(socket, 403);
    try {
      this.#options.requireServer(uid);
    } catch {
      return refuseUpgrade(socket, 404);
    }
    const parameters = parseExecParameters(url.searchParams);
    if (parameters.command.length === 0) return refuseUpgrade(socket, 400);
    const { engine, environment, log } = this.#options;
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      webSocket.on("error", () => webSocket.terminate());
      runExecChannel({
        webSocket,
        runtime: engine.runtime,
        uid,
        parameters,
        log,
        sleep: (ms) => environment.sleep(ms),
      }).catch((thrown: unknown) => log.warn({ server: uid, err: thrown }, "exec failed"));
    });
  }
}

/** Common name of the peer's certificate, which the handshake has checked against the fleet's authority. */
function peerName(request: IncomingMessage): string {
  const name = (request.socket as TLSSocket).getPeerCertificate().subject?.CN;
  return typeof name === "string" ? name : "";
}

function statusOf(thrown: unknown): number {
  switch (codeOf(thrown)) {
    case "server-unknown":
    case "checkpoint-missing":
      return 404;
    case "checkpoint-not-offered":
      return 403;
    case "checkpoint-damaged":
    case "checkpoint-version":
    case "volume-stream-refused":
      return 422;
    case "checkpoint-no-room":
      return 507;
    default:
      return 500;
  }
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(`${text}\n`);
}

const statusTexts: Record<number, string> = { 400: "Bad Request", 403: "Forbidden", 404: "Not Found" };

function refuseUpgrade(socket: Duplex, status: number): void {
  socket.end(`HTTP/1.1 ${status} ${statusTexts[status] ?? ""}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
