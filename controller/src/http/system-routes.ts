import type { FastifyInstance } from "fastify";
import type { Registry } from "prom-client";
import { version } from "@vfleet/shared";
import { accessReviews } from "./access-reviews.ts";
import { groupDiscovery, resourceDiscovery, rootDiscovery, type DiscoveryAnswer } from "./discovery.ts";
import { openApiV2, openApiV2Type, openApiV3Documents, openApiV3Index } from "./openapi.ts";
import { podList } from "./pod-view.ts";
import { mediaRanges } from "./representation.ts";
import { readBody } from "./request-body.ts";
import { userOf } from "./request-user.ts";
import type { ResourceParts } from "./resource-request.ts";
import { notFound, unavailable } from "./status.ts";
import type { TelemetryReader } from "./telemetry-reader.ts";
import { usageAnswer, usageShapes } from "./usage-metrics.ts";

interface SystemParts extends ResourceParts {
  telemetry: TelemetryReader | undefined;
  /** What `/metrics` shows. */
  registry: Registry;
}

/** What Kubernetes clients of this API's age ask for. */
const gitVersion = `v1.32.0+vfleet-${version}`;
const lookupFailed = "the server could not find the requested resource";

/** All but the objects themselves. */
export function addSystemRoutes(app: FastifyInstance, parts: SystemParts): void {
  addHealthRoutes(app, parts);
  addDiscoveryRoutes(app);
  addOpenApiRoutes(app);
  addReviewRoutes(app);
  addUsageRoutes(app, parts);
  for (const url of ["/api/v1/pods", "/api/v1/namespaces/:namespace/pods"]) {
    app.get<{ Params: { namespace?: string } }>(url, (request) =>
      podList(parts.store, { namespace: request.params.namespace, query: queryOf(request.url) }),
    );
  }
  app.get("/metrics", async (_request, reply) =>
    reply.type(parts.registry.contentType).send(await parts.registry.metrics()),
  );
}

function addHealthRoutes(app: FastifyInstance, { store }: SystemParts): void {
  app.get("/version", () => ({
    major: "1",
    minor: "32",
    gitVersion,
    gitCommit: "",
    gitTreeState: "clean",
    buildDate: "1970-01-01T00:00:00Z",
    goVersion: "",
    compiler: "",
    platform: `${process.platform}/${process.arch === "x64" ? "amd64" : process.arch}`,
  }));
  for (const url of ["/healthz", "/livez"]) app.get(url, (_request, reply) => reply.type("text/plain").send("ok"));
  app.get("/readyz", (_request, reply) => {
    if (!store.connected) throw unavailable("the object store is not connected");
    return reply.type("text/plain").send("ok");
  });
}

function addDiscoveryRoutes(app: FastifyInstance): void {
  const send = (answer: DiscoveryAnswer | undefined) => {
    if (answer === undefined) throw notFound(lookupFailed);
    return answer;
  };
  for (const root of ["api", "apis"] as const) {
    app.get(`/${root}`, (request, reply) => {
      const answer = rootDiscovery(root, request.headers.accept);
      return reply
        .header("content-type", answer.contentType)
        .header("vary", "accept")
        .send(JSON.stringify(answer.body));
    });
  }
  app.get("/api/v1", () => send(resourceDiscovery("", "v1")).body);
  app.get<{ Params: { group: string } }>("/apis/:group", (request) => send(groupDiscovery(request.params.group)).body);
  app.get<{ Params: { group: string; version: string } }>(
    "/apis/:group/:version",
    (request) => send(resourceDiscovery(request.params.group, request.params.version)).body,
  );
}

function addOpenApiRoutes(app: FastifyInstance): void {
  app.get("/openapi/v2", (request, reply) => {
    const wantsProtobuf = mediaRanges(request.headers.accept).some((range) =>
      range.type.startsWith("application/com.github.proto-openapi"),
    );
    return wantsProtobuf ? reply.header("content-type", openApiV2Type).send(Buffer.alloc(0)) : reply.send(openApiV2);
  });
  app.get("/openapi/v3", () => openApiV3Index);
  app.get<{ Params: { "*": string } }>("/openapi/v3/*", (request, reply) => {
    const text = openApiV3Documents.get(request.params["*"]);
    if (text === undefined) throw notFound(lookupFailed);
    return reply.type("application/json").send(text);
  });
}

function addReviewRoutes(app: FastifyInstance): void {
  for (const [plural, review] of Object.entries(accessReviews)) {
    const group = plural === "selfsubjectreviews" ? "authentication.k8s.io" : "authorization.k8s.io";
    app.post(`/apis/${group}/v1/${plural}`, (request, reply) => {
      const body = readBody(Buffer.isBuffer(request.body) ? request.body : undefined, request.headers["content-type"]);
      return reply.code(201).send(review(body, userOf(request)));
    });
  }
}

function addUsageRoutes(app: FastifyInstance, parts: SystemParts): void {
  const nodes = "/apis/metrics.k8s.io/v1beta1/nodes";
  const root = "/apis/metrics.vfleet.dev/v1";
  const places: readonly [string, keyof typeof usageShapes][] = [
    [nodes, "nodes"],
    [`${nodes}/:name`, "nodes"],
    [`${root}/virtualservers`, "servers"],
    [`${root}/namespaces/:namespace/virtualservers`, "servers"],
    [`${root}/namespaces/:namespace/virtualservers/:name`, "servers"],
  ];
  for (const [url, shape] of places) {
    app.get<{ Params: { namespace?: string; name?: string } }>(url, (request) =>
      usageAnswer(usageShapes[shape], parts, {
        namespace: request.params.namespace,
        name: request.params.name,
        query: queryOf(request.url),
      }),
    );
  }
}

function queryOf(url: string): URLSearchParams {
  return new URL(url, "https://api").searchParams;
}
