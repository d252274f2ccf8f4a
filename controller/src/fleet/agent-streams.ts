import { request as httpsRequest } from "node:https";
import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import type { TlsFiles, VirtualServer } from "@vfleet/shared";
import { messageOf, nodeKind } from "@vfleet/shared";
import { WebSocket } from "ws";
import { fail } from "../errors.ts";
import type { ExecRequest, GuestStreams, LogRequest } from "../http/guest-streams.ts";
import type { Ownership } from "../ownership/ownership.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { agentTls } from "./agent-tls.ts";
import { endpointOf } from "./assignment.ts";

export interface AgentStreamsOptions {
  store: ObjectStore;
  ownership: Ownership;
  tls: TlsFiles;
}

const connectTimeoutMs = 10_000;
/** Frames that wait for a slow side before the fast one is paused. */
const bufferedBytesMax = 4 * 2 ** 20;
const normalClosure = 1000;
/** What agents speak. v4, which older clients do, is the same without frames that close a channel. */
const agentProtocol = "v5.channel.k8s.io";
const refusalTextMax = 4096;

interface Agent {
  node: string;
  origin: string;
  uid: string;
}

/** exec and logs, through the agent of the node that owns the server, over mutual TLS; both ends' certificates are of the fleet's CA. */
export class AgentStreams implements GuestStreams {
  readonly #options: AgentStreamsOptions;
  readonly #tlsTo: ReturnType<typeof agentTls>;

  constructor(options: AgentStreamsOptions) {
    this.#options = options;
    this.#tlsTo = agentTls(options.tls);
  }

  async exec({ server, parameters }: ExecRequest, client: WebSocket): Promise<void> {
    const agent = this.#agentOf(server);
    const url = `wss://${agent.origin}/servers/${agent.uid}/exec?${parameters.toString()}`;
    const upstream = new WebSocket(url, [agentProtocol], {
      agent: this.#tlsTo(agent.node),
      handshakeTimeout: connectTimeoutMs,
    });
    await opened(upstream, client, nameOf(server));
    await joined(client, upstream);
  }

  async logs({ server, parameters, signal }: LogRequest): Promise<Readable> {
    const agent = this.#agentOf(server);
    const path = `/servers/${agent.uid}/logs?${parameters.toString()}`;
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const request = httpsRequest(
      `https://${agent.origin}${path}`,
      { agent: this.#tlsTo(agent.node), signal, timeout: connectTimeoutMs },
      resolve,
    );
    request.on("error", reject);
    request.on("timeout", () => request.destroy(new Error("no answer in time")));
    request.end();
    let response: IncomingMessage;
    try {
      response = await promise;
    } catch (thrown) {
      throw fail("guest-unreachable", { server: nameOf(server), reason: messageOf(thrown) }, { cause: thrown });
    }
    // A log that is followed may be silent for as long as it likes.
    response.socket.setTimeout(0);
    if (response.statusCode === 200) return response;
    throw fail("guest-unreachable", { server: nameOf(server), reason: await refusal(response) });
  }

  #agentOf(server: VirtualServer): Agent {
    const { store, ownership } = this.#options;
    const uid = server.metadata.uid ?? "";
    const node = ownership.get(uid)?.node;
    if (node === undefined) throw fail("server-unbound", { server: nameOf(server) });
    const object = store.get(nodeKind, { name: node });
    const endpoint = object === undefined ? undefined : endpointOf(object);
    if (endpoint === undefined)
      throw fail("guest-unreachable", { server: nameOf(server), reason: `the address of node "${node}" is not known` });
    return { node, origin: `${endpoint.host}:${endpoint.port}`, uid };
  }
}

async function opened(upstream: WebSocket, client: WebSocket, server: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  upstream.once("open", resolve);
  upstream.once("error", reject);
  upstream.once("unexpected-response", (_request, response) => {
    refusal(response).then((text) => reject(new Error(text)), reject);
  });
  const onGone = () => {
    upstream.terminate();
    reject(new Error("the client went away"));
  };
  client.once("close", onGone);
  try {
    await promise;
    // Nothing is read before the other side can take it.
    upstream.pause();
  } catch (thrown) {
    // Paused, it wouldn't see the other side's part of the closing.
    client.resume();
    throw fail("guest-unreachable", { server, reason: messageOf(thrown) }, { cause: thrown });
  } finally {
    client.off("close", onGone);
  }
}

/** Frames as they are, both ways, until either side ends. */
async function joined(client: WebSocket, upstream: WebSocket): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  forward(client, upstream);
  forward(upstream, client);
  upstream.on("error", () => upstream.terminate());
  client.on("error", () => client.terminate());
  client.on("close", () => upstream.close());
  upstream.on("close", (code, reason) => {
    // 1005 and 1006 say that no code was sent; they may not be sent either.
    client.close(code === 1005 || code === 1006 ? normalClosure : code, reason);
    resolve();
  });
  client.resume();
  upstream.resume();
  await promise;
}

function forward(from: WebSocket, to: WebSocket): void {
  from.on("message", (data: Buffer, isBinary: boolean) => {
    to.send(data, { binary: isBinary }, () => {
      if (from.isPaused && to.bufferedAmount < bufferedBytesMax) from.resume();
    });
    if (to.bufferedAmount >= bufferedBytesMax) from.pause();
  });
}

async function refusal(response: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of response) {
    text += String(chunk);
    if (text.length > refusalTextMax) break;
  }
  return text.trim() === ""
    ? `the agent answered ${response.statusCode ?? "nothing"}`
    : text.trim().slice(0, refusalTextMax);
}

function nameOf(server: VirtualServer): string {
  return `${server.metadata.namespace ?? "default"}/${server.metadata.name}`;
}
