import { createServer, request } from "node:http";
import type { IncomingMessage, RequestOptions, ServerResponse } from "node:http";
import { connect } from "node:net";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream";
import { readAptSources } from "./apt-sources.ts";
import type { AptSources } from "./apt-sources.ts";

// Boxes have no way out of the lab. What builds an image in one reaches Debian packages through this HTTP proxy: on a
// Unix socket, to the hosts of this machine's own apt sources and nowhere else.

const idleTimeoutMs = 60_000;

if (import.meta.main) {
  const [socket] = process.argv.slice(2);
  if (socket === undefined) throw new Error("usage: package-proxy.ts SOCKET");
  createPackageProxy(await readAptSources(process.env)).listen(socket);
}

function createPackageProxy(sources: AptSources) {
  const server = createServer((incoming, outgoing) => forward(sources, incoming, outgoing));
  server.on("connect", (incoming: IncomingMessage, client: Duplex, head: Buffer) =>
    tunnel(sources, { incoming, client, head }),
  );
  return server;
}

function forward(sources: AptSources, incoming: IncomingMessage, outgoing: ServerResponse): void {
  const url = URL.canParse(incoming.url ?? "") ? new URL(incoming.url ?? "") : undefined;
  const refusal = refusalOf(sources, { method: incoming.method ?? "", url });
  if (url === undefined || refusal !== undefined) {
    incoming.resume();
    outgoing.writeHead(403, { "content-type": "text/plain" }).end(`${refusal}\n`);
    return;
  }
  const { "proxy-connection": _, "proxy-authorization": __, ...headers } = incoming.headers;
  const upstream = request({
    ...destination(url, sources.proxyFor(url)),
    method: incoming.method,
    headers: { ...headers, host: url.host },
    timeout: idleTimeoutMs,
  });
  upstream.on("response", (response) => {
    outgoing.writeHead(response.statusCode ?? 502, response.headers);
    pipeline(response, outgoing, () => undefined);
  });
  upstream.on("timeout", () => upstream.destroy(new Error("no answer in time")));
  upstream.on("error", (error) => {
    if (outgoing.headersSent) outgoing.destroy();
    else outgoing.writeHead(502, { "content-type": "text/plain" }).end(`${url.host}: ${error.message}\n`);
  });
  outgoing.on("close", () => upstream.destroy());
  upstream.end();
}

/** Why a request is not for this proxy. */
export function refusalOf(
  sources: AptSources,
  { method, url }: { method: string; url: URL | undefined },
): string | undefined {
  if (url === undefined || url.protocol !== "http:") return "only absolute http URLs are forwarded";
  if (method !== "GET" && method !== "HEAD") return `method ${method} is not forwarded`;
  if (url.port !== "") return "only port 80 is forwarded to";
  return sources.hosts.has(url.hostname) ? undefined : `"${url.hostname}" is not in this machine's apt sources`;
}

function destination(url: URL, proxy: URL | undefined): RequestOptions {
  if (proxy === undefined) return { host: url.hostname, port: 80, path: `${url.pathname}${url.search}` };
  return { host: proxy.hostname, port: proxy.port || 80, path: url.href };
}

interface Tunnel {
  readonly incoming: IncomingMessage;
  readonly client: Duplex;
  readonly head: Buffer;
}

function tunnel(sources: AptSources, { incoming, client, head }: Tunnel): void {
  client.on("error", () => client.destroy());
  const url = URL.canParse(`https://${incoming.url}`) ? new URL(`https://${incoming.url}`) : undefined;
  if (url === undefined || url.port !== "" || !sources.hosts.has(url.hostname)) {
    client.end("HTTP/1.1 403 Forbidden\r\n\r\n");
    return;
  }
  const join = (upstream: Duplex, first: Buffer) => {
    client.write("HTTP/1.1 200 Connection established\r\n\r\n");
    client.write(first);
    upstream.write(head);
    pipeline(client, upstream, client, () => undefined);
  };
  const fail = () => client.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
  const proxy = sources.proxyFor(url);
  if (proxy === undefined) {
    const upstream: Socket = connect(443, url.hostname, () => join(upstream, Buffer.alloc(0)));
    upstream.setTimeout(idleTimeoutMs, () => upstream.destroy());
    upstream.once("error", fail);
    return;
  }
  const ask = request({ host: proxy.hostname, port: proxy.port || 80, method: "CONNECT", path: `${url.hostname}:443` });
  ask.once("connect", (response, upstream, first) => (response.statusCode === 200 ? join(upstream, first) : fail()));
  ask.once("error", fail);
  ask.end();
}
