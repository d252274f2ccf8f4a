import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { codeOf, messageOf, virtualServerKind, type VirtualServer } from "@vfleet/shared";
import { WebSocketServer, type WebSocket } from "ws";
import { anonymous, unauthorized, type Authenticator } from "./authentication.ts";
import { isAllowed } from "./authorization.ts";
import type { GuestStreams } from "./guest-streams.ts";
import type { ResourceParts } from "./resource-request.ts";
import { badRequest, forbidden, notFound, StatusError, statusOf, unavailable } from "./status.ts";

/** Newest first. */
const protocols: readonly string[] = ["v5.channel.k8s.io", "v4.channel.k8s.io"];
const errorChannel = 3;
/** No name of a server needs an escape in a path. */
const execPath = /^\/apis\/vfleet\.dev\/v1\/namespaces\/([^/]+)\/virtualservers\/([^/]+)\/exec$/;

interface GuestParts extends ResourceParts {
  authenticator: Authenticator;
  guestStreams: GuestStreams | undefined;
}

/** Takes WebSocket upgrades to `exec`; everything that can be refused is refused with a `Status` before the upgrade. */
export class GuestUpgrades {
  readonly #parts: GuestParts;
  readonly #server = new WebSocketServer({
    noServer: true,
    maxPayload: 16 * 1024 * 1024,
    handleProtocols: (offered) => protocols.find((protocol) => offered.has(protocol)) ?? false,
  });

  constructor(parts: GuestParts) {
    this.#parts = parts;
  }

  get count(): number {
    return this.#server.clients.size;
  }

  /** For the `upgrade` event of the HTTPS servers. */
  readonly onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    socket.on("error", () => socket.destroy());
    try {
      const url = new URL(request.url ?? "/", "https://api");
      const { server, user, streams } = this.#accept(request, url);
      this.#server.handleUpgrade(request, socket, head, (client) => {
        client.pause(); // no frame may pass before the streams listen
        client.on("error", (error) => this.#parts.log.debug({ error: error.message }, "exec client error"));
        this.#parts.log.info(
          {
            user: user.name,
            namespace: server.metadata.namespace,
            server: server.metadata.name,
            command: url.searchParams.getAll("command"),
          },
          "exec",
        );
        streams
          .exec({ server, parameters: url.searchParams, user }, client)
          .catch((thrown: unknown) => endWithStatus(client, thrown));
      });
    } catch (thrown) {
      refuse(socket, thrown);
    }
  };

  close(): void {
    for (const client of this.#server.clients) client.terminate();
    this.#server.close();
  }

  #accept(request: IncomingMessage, url: URL) {
    refuseForeignOrigin(request);
    const user = this.#parts.authenticator.authenticate(request);
    if (user === anonymous) throw unauthorized();
    const match = execPath.exec(url.pathname);
    if (match === null) throw notFound("the server could not find the requested resource");
    if (!isAllowed(user, { verb: "create", group: "vfleet.dev", resource: "virtualservers", subresource: "exec" })) {
      throw forbidden(
        `virtualservers.vfleet.dev "${match[2] ?? ""}" is forbidden: User "${user.name}" cannot create resource "virtualservers/exec"`,
      );
    }
    if (
      !(request.headers["sec-websocket-protocol"] ?? "")
        .split(",")
        .some((offered) => protocols.includes(offered.trim()))
    ) {
      throw badRequest(`one of the WebSocket protocols ${protocols.join(", ")} is needed`);
    }
    const server = this.#parts.store.read(virtualServerKind, { namespace: match[1] ?? "", name: match[2] ?? "" });
    requireRunning(server);
    if (url.searchParams.getAll("command").length === 0) throw badRequest("no command was given");
    if (this.#parts.guestStreams === undefined)
      throw unavailable("streams to servers are not available on this controller");
    return { server, user, streams: this.#parts.guestStreams };
  }
}

/** Throws 409 when it has no node to speak to. */
export function requireRunning(server: VirtualServer): void {
  if (server.status?.nodeName !== undefined && ["Running", "Migrating"].includes(server.status.phase ?? "")) return;
  throw new StatusError(
    { code: 409, reason: "Conflict" },
    `Cannot reach "${server.metadata.name}": it must be Running, it is ${server.status?.phase ?? "Pending"}`,
  );
}

/** Browsers say where a page comes from; no page of another place may act here with a browser's certificate. */
export function refuseForeignOrigin(request: IncomingMessage): void {
  const { origin, host } = request.headers;
  if (origin === undefined || origin === `https://${host ?? ""}`) return;
  throw forbidden(`requests from the origin ${JSON.stringify(origin)} are not taken`);
}

function endWithStatus(client: WebSocket, thrown: unknown): void {
  if (client.readyState !== client.OPEN) {
    client.terminate();
    return;
  }
  const status = {
    ...statusOf(thrown),
    reason: codeOf(thrown) === "internal" ? "InternalError" : statusOf(thrown).reason,
    message: messageOf(thrown),
  };
  client.resume();
  client.send(Buffer.concat([Buffer.from([errorChannel]), Buffer.from(JSON.stringify(status))]));
  client.close(1000);
}

function refuse(socket: Duplex, thrown: unknown): void {
  const status = statusOf(thrown);
  const body = JSON.stringify(status);
  socket.end(
    `HTTP/1.1 ${status.code} ${status.reason}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
