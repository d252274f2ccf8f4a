import type { FastifyRequest } from "fastify";
import type { Kind } from "@vfleet/shared";
import { isAllowed } from "./authorization.ts";
import { userOf } from "./request-user.ts";
import type { ResourceRequest } from "./resource-request.ts";
import { forbidden } from "./status.ts";

/** What is asked for, of a route that names `:namespace` and `:name`. */
export function resourceRequest(
  request: FastifyRequest,
  kind: Kind,
  subresource: "status" | undefined,
): ResourceRequest {
  const parameters = request.params as { namespace?: string; name?: string }; // named in the routes above
  return {
    kind,
    namespace: parameters.namespace,
    name: parameters.name,
    subresource,
    user: userOf(request),
    query: new URL(request.url, "https://api").searchParams,
    body: Buffer.isBuffer(request.body) ? request.body : undefined,
    contentType: request.headers["content-type"],
    accept: request.headers.accept,
  };
}

/** Throws 403. */
export function authorize(
  { kind, namespace, name, user }: ResourceRequest,
  verb: string,
  subresource: string | undefined,
): void {
  if (isAllowed(user, { verb, group: kind.group, resource: kind.plural, subresource })) return;
  const resource = subresource === undefined ? kind.plural : `${kind.plural}/${subresource}`;
  const qualified = kind.group === "" ? kind.plural : `${kind.plural}.${kind.group}`;
  const scope = namespace === undefined ? "at the cluster scope" : `in the namespace "${namespace}"`;
  throw forbidden(
    `${qualified} ${name === undefined ? "" : `"${name}" `}is forbidden: User "${user.name}" cannot ${verb} resource "${resource}" in API group "${kind.group}" ${scope}`,
    {
      name: name ?? "",
      group: kind.group,
      kind: kind.plural,
    },
  );
}
