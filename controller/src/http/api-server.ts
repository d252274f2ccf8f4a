import { existsSync, readFileSync, unlinkSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { RequestListener } from "node:http";
import { codeOf, kinds, namespaceKind, type ControllerConfig, type Environment, type Logger } from "@vfleet/shared";
import { fastify, type FastifyInstance } from "fastify";
import { Registry } from "prom-client";
import type { ObjectStore } from "../store/object-store.ts";
import type { Admission } from "./admission.ts";
import { ApiMetrics } from "./api-metrics.ts";
import { anonymous, Authenticator, unauthorized } from "./authentication.ts";
import { GuestUpgrades, refuseForeignOrigin } from "./guest-routes.ts";
import type { GuestStreams } from "./guest-streams.ts";
import { contentFinalizer, startNamespaceReaper } from "./namespace-reaper.ts";
import { addArchiveBodies } from "./archive-routes.ts";
import type { ArchiveStreams } from "./archive-streams.ts";
import { bodyLimitBytes } from "./request-body.ts";
import { setUser, userOf } from "./request-user.ts";
import { addKindRoutes } from "./resource-routes.ts";
import { WatchStreams } from "./resource-watch.ts";
import { notFound, statusOf, unavailable } from "./status.ts";
import { addSystemRoutes } from "./system-routes.ts";
import type { TelemetryReader } from "./telemetry-reader.ts";

export interface ApiServerOptions {
  environment: Environment;
  log: Logger;
  store: ObjectStore;
  config: Pick<ControllerConfig, "listen" | "tls" | "tokensFile">;
  /** Asked in order; each gets what the one before returned. */
  admission?: readonly Admission[];
  /** None: exec and log answer 503. */
  guestStreams?: GuestStreams;
  archives?: ArchiveStreams;
  /** None: metrics answer 503. */
  telemetry?: TelemetryReader;
  /** Whether what is read is still current; none: always. What comes after that is answered 503. */
  isServing?: () => boolean;
  /** What `/metrics` shows, besides the API server's own; none: only these. */
  registry?: Registry;
}

export interface ApiServer {
  /** The TCP port it listens on (the configured one, or the system's choice for 0). */
  readonly port: number;
  /** Ends watches and streams, then the listeners. */
  close(): Promise<void>;
}

const publicPaths: readonly string[] = ["/version", "/healthz", "/livez", "/readyz"];
const headersTimeoutMs = 30_000;
/** Of a whole request: an archive may take long. */
const requestTimeoutMs = 6 * 3_600_000;
const keepAliveTimeoutMs = 120_000;

/** Listens on TCP and on `listen.socket`; makes sure that the namespace `default` exists, and empties namespaces being deleted. */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { config, store, environment, log } = options;
  const parts = { store, environment, log, admission: options.admission ?? [] };
  const authenticator = new Authenticator(config.tokensFile, environment);
  const watches = new WatchStreams(parts);
  const upgrades = new GuestUpgrades({ ...parts, authenticator, guestStreams: options.guestStreams });
  const registry = options.registry ?? new Registry();
  const counts = () => ({ watches: watches.count, streams: upgrades.count });
  const metrics = new ApiMetrics({ registry, store, counts });
  const servers: Server[] = [];
  const makeServer = (handler: RequestListener): Server => {
    const server = createServer(tlsOptions(config), handler);
    server.on("upgrade", upgrades.onUpgrade);
    Object.assign(server, {
      headersTimeout: headersTimeoutMs,
      requestTimeout: requestTimeoutMs,
      keepAliveTimeout: keepAliveTimeoutMs,
    });
    servers.push(server);
    return server;
  };
  const app = fastify({
    serverFactory: (handler) => {
      if (config.listen.socket !== undefined) makeServer(handler);
      return makeServer(handler);
    },
    bodyLimit: bodyLimitBytes,
    exposeHeadRoutes: false,
    forceCloseConnections: true,
    // What the router itself refuses, such as half an escape in a path.
    frameworkErrors: (thrown, _request, reply) => {
      const status = statusOf(thrown);
      reply.raw.writeHead(status.code, { "content-type": "application/json" }).end(JSON.stringify(status));
    },
    routerOptions: { maxParamLength: 512, ignoreTrailingSlash: true },
  });
  const { isServing } = options;
  if (isServing !== undefined)
    app.addHook("onRequest", async () => {
      if (!isServing()) throw unavailable("this controller does not lead any more");
    });
  addHooks(app, { authenticator, metrics, log });
  addSystemRoutes(app, {
    ...parts,
    telemetry: options.telemetry,
    registry,
  });
  for (const kind of kinds)
    addKindRoutes(app, { ...parts, watches, guestStreams: options.guestStreams, archives: options.archives }, kind);
  await app.ready();
  await ensureDefaultNamespace(store);
  const stopReaper = startNamespaceReaper(parts);
  await app.listen({ host: config.listen.host, port: config.listen.port });
  if (config.listen.socket !== undefined) await listenOnSocket(servers[0], config.listen.socket);
  const { port } = app.server.address() as AddressInfo; // it listens on TCP
  log.info({ port, socket: config.listen.socket }, "API server listens");
  return {
    port,
    close: async () => {
      stopReaper();
      watches.close();
      upgrades.close();
      for (const server of servers) server.closeAllConnections();
      await app.close();
      if (config.listen.socket !== undefined) await new Promise((resolve) => servers[0]?.close(resolve));
    },
  };
}

function addHooks(
  app: FastifyInstance,
  parts: { authenticator: Authenticator; metrics: ApiMetrics; log: Logger },
): void {
  const { authenticator, metrics, log } = parts;
  // Bodies are read by their own rules, for every type.
  app.removeAllContentTypeParsers();
  addArchiveBodies(app);
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  app.addHook("onRequest", async (request) => {
    refuseForeignOrigin(request.raw);
    const user = authenticator.authenticate(request.raw);
    setUser(request, user);
    if (user === anonymous && !publicPaths.includes(request.url.split("?")[0] ?? "")) throw unauthorized();
  });
  app.addHook("onResponse", async (request, reply) => {
    metrics.answered(request.method, reply.statusCode);
    if (request.method === "GET") return;
    log.info(
      { user: userOf(request).name, method: request.method, path: request.url, code: reply.statusCode },
      "write",
    );
  });
  app.setErrorHandler((thrown, request, reply) => {
    const status = statusOf(thrown);
    if (status.code === 500)
      log.error(
        { path: request.url, error: String(thrown), stack: thrown instanceof Error ? thrown.stack : undefined },
        "request failed",
      );
    return reply.code(status.code).type("application/json").send(JSON.stringify(status));
  });
  app.setNotFoundHandler(() => {
    throw notFound("the server could not find the requested resource", {});
  });
}

function tlsOptions({ tls }: ApiServerOptions["config"]) {
  return {
    ca: readFileSync(tls.ca),
    cert: readFileSync(tls.certificate),
    key: readFileSync(tls.key),
    // A certificate is one of two ways to say who one is: none, or one of another authority, is nobody.
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: "TLSv1.2" as const,
  };
}

async function listenOnSocket(server: Server | undefined, path: string): Promise<void> {
  if (server === undefined) return;
  if (existsSync(path)) unlinkSync(path); // left by a crash: two controllers never share a socket's path
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

async function ensureDefaultNamespace(store: ObjectStore): Promise<void> {
  if (store.get(namespaceKind, { name: "default" }) !== undefined) return;
  try {
    await store.create(namespaceKind, {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: "default", finalizers: [contentFinalizer] },
    });
  } catch (thrown) {
    if (codeOf(thrown) !== "already-exists") throw thrown; // another replica made it
  }
}
