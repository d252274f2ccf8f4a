import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from "fastify";
import { checkpointKind, virtualServerKind, type Kind } from "@vfleet/shared";
import { addArchiveRoutes } from "./archive-routes.ts";
import type { ArchiveStreams } from "./archive-streams.ts";
import { authorize, resourceRequest } from "./asked.ts";
import { requireRunning } from "./guest-routes.ts";
import type { GuestStreams } from "./guest-streams.ts";
import { groupPath } from "./paths.ts";
import { deleteCollection, deleteObject } from "./resource-delete.ts";
import { getObject, listObjects } from "./resource-read.ts";
import { keyOf, type Answer, type ResourceParts, type ResourceRequest } from "./resource-request.ts";
import { createObject, patchObject, updateObject } from "./resource-write.ts";
import type { WatchStreams } from "./resource-watch.ts";
import { badRequest, StatusError, statusOf, unavailable } from "./status.ts";

type Action = "get" | "list" | "create" | "update" | "patch" | "delete" | "deletecollection";
type Act = (parts: ResourceParts, request: ResourceRequest) => Answer | Promise<Answer>;

const acts: Readonly<Record<Action, Act>> = {
  get: getObject,
  list: listObjects,
  create: createObject,
  update: updateObject,
  patch: patchObject,
  delete: deleteObject,
  deletecollection: deleteCollection,
};

export interface RouteParts extends ResourceParts {
  watches: WatchStreams;
  guestStreams: GuestStreams | undefined;
  archives: ArchiveStreams | undefined;
}

const allMethods: readonly HTTPMethods[] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/** Every path of a kind, from the registry alone. */
export function addKindRoutes(app: FastifyInstance, parts: RouteParts, kind: Kind): void {
  const root = `/${groupPath(kind)}`;
  const collection = kind.namespaced ? `${root}/namespaces/:namespace/${kind.plural}` : `${root}/${kind.plural}`;
  const route = (url: string, methods: Partial<Record<HTTPMethods, Action>>, subresource?: "status") =>
    addRoute(app, parts, { url, kind, methods, subresource });
  if (kind.namespaced) route(`${root}/${kind.plural}`, { GET: "list" });
  route(collection, { GET: "list", POST: "create", DELETE: "deletecollection" });
  route(`${collection}/:name`, { GET: "get", PUT: "update", PATCH: "patch", DELETE: "delete" });
  if (kind.statusSubresource)
    route(`${collection}/:name/status`, { GET: "get", PUT: "update", PATCH: "patch" }, "status");
  if (kind.plural === virtualServerKind.plural) addGuestRoutes(app, parts, { url: `${collection}/:name`, kind });
  if (kind.plural === checkpointKind.plural) addArchiveRoutes(app, parts, { url: `${collection}/:name/archive`, kind });
}

function addRoute(
  app: FastifyInstance,
  parts: RouteParts,
  place: { url: string; kind: Kind; methods: Partial<Record<HTTPMethods, Action>>; subresource: "status" | undefined },
): void {
  const { url, kind, methods, subresource } = place;
  const refused: HTTPMethods[] = [];
  for (const method of allMethods) {
    const action = methods[method];
    if (action === undefined || !(kind.verbs as readonly string[]).includes(action)) refused.push(method);
    else
      app.route({
        method,
        url,
        handler: (request, reply) => serve(parts, { kind, action, subresource }, { request, reply }),
      });
  }
  app.route({ method: refused, url, handler: refuseMethod });
}

function refuseMethod(request: FastifyRequest): never {
  throw new StatusError(
    { code: 405, reason: "MethodNotAllowed" },
    `the server does not allow ${request.method} on ${request.url.split("?")[0] ?? ""}`,
  );
}

async function serve(
  parts: RouteParts,
  what: { kind: Kind; action: Action; subresource: "status" | undefined },
  exchange: { request: FastifyRequest; reply: FastifyReply },
): Promise<FastifyReply | undefined> {
  const { request, reply } = exchange;
  const asked = resourceRequest(request, what.kind, what.subresource);
  const watch = what.action === "list" && ["true", "1"].includes(asked.query.get("watch") ?? "");
  authorize(asked, watch ? "watch" : what.action, what.subresource);
  try {
    if (watch) {
      parts.watches.open(asked, reply.raw);
      reply.hijack();
      return undefined;
    }
    const answer = await acts[what.action](parts, asked);
    for (const warning of answer.warnings ?? []) reply.header("warning", `299 - ${JSON.stringify(warning)}`);
    return reply.code(answer.code).type("application/json").send(answer.body);
  } catch (thrown) {
    const { kind } = what;
    const status = statusOf(thrown, {
      kind: kind.kind,
      group: kind.group,
      plural: kind.plural,
      name: asked.name ?? "",
    });
    if (status.code === 500)
      parts.log.error(
        { error: String(thrown), stack: thrown instanceof Error ? thrown.stack : undefined },
        "request failed",
      );
    return reply.code(status.code).type("application/json").send(JSON.stringify(status));
  }
}

function addGuestRoutes(app: FastifyInstance, parts: RouteParts, place: { url: string; kind: Kind }): void {
  app.get(`${place.url}/exec`, () => {
    throw badRequest("exec needs a WebSocket upgrade");
  });
  app.get(`${place.url}/log`, async (request, reply) => {
    const asked = resourceRequest(request, place.kind, undefined);
    authorize(asked, "get", "log");
    const server = parts.store.read(virtualServerKind, keyOf(asked));
    requireRunning(server);
    if (parts.guestStreams === undefined) throw unavailable("streams to servers are not available on this controller");
    const gone = new AbortController();
    reply.raw.once("close", () => gone.abort());
    const lines = await parts.guestStreams.logs({ server, parameters: asked.query, signal: gone.signal });
    return reply.type("text/plain; charset=utf-8").send(lines);
  });
}
