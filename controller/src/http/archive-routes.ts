import { Readable } from "node:stream";
import type { FastifyInstance } from "fastify";
import { checkpointKind, type Kind } from "@vfleet/shared";
import type { ArchiveStreams } from "./archive-streams.ts";
import { authorize, resourceRequest } from "./asked.ts";
import { keyOf, type ResourceParts } from "./resource-request.ts";
import { unavailable, unsupportedMediaType } from "./status.ts";

const archiveType = "application/zstd";

/** Bodies of this type are as large as they are, and are never held. */
export function addArchiveBodies(app: FastifyInstance): void {
  app.addContentTypeParser(archiveType, (_request, payload, done) => done(null, payload));
}

/** A checkpoint as one file: what is in it acts on a server, so only who may do everything has it, or brings one. */
export function addArchiveRoutes(
  app: FastifyInstance,
  parts: ResourceParts & { archives: ArchiveStreams | undefined },
  { url, kind }: { url: string; kind: Kind },
): void {
  const streams = () => {
    if (parts.archives === undefined) throw unavailable("archives are not available on this controller");
    return parts.archives;
  };
  app.get(url, async (request, reply) => {
    const asked = resourceRequest(request, kind, undefined);
    authorize(asked, "get", "archive");
    const gone = new AbortController();
    reply.raw.once("close", () => gone.abort());
    const archive = await streams().export(parts.store.read(checkpointKind, keyOf(asked)), gone.signal);
    return reply.type(archiveType).send(archive);
  });
  app.get(`${url}/digests`, async (request) => {
    const asked = resourceRequest(request, kind, undefined);
    authorize(asked, "get", "archive");
    return { copies: await streams().verify(parts.store.read(checkpointKind, keyOf(asked))) };
  });
  app.put(url, async (request, reply) => {
    const asked = resourceRequest(request, kind, undefined);
    authorize(asked, "create", "archive");
    if (!(request.body instanceof Readable)) throw unsupportedMediaType(`an archive of type ${archiveType} is needed`);
    const { namespace = "default", name = "", query } = asked;
    const made = await streams().import({
      namespace,
      name,
      server: query.get("server") ?? name,
      node: query.get("node") ?? undefined,
      archive: request.body,
    });
    return reply.code(201).send(made);
  });
}
