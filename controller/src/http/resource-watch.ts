import type { ServerResponse } from "node:http";
import { apiVersionOf, type ApiObject, type Environment } from "@vfleet/shared";
import { parseSelectors, type Predicate } from "../store/selector.ts";
import type { StoreEvent } from "../store/object-store.ts";
import { objectJson, representationOf, type Representation } from "./representation.ts";
import { wholeNumber, type ResourceParts, type ResourceRequest } from "./resource-request.ts";
import { badRequest, invalid, statusOf } from "./status.ts";
import { tableOf } from "./table.ts";

const heartbeatMs = 15_000;
const bookmarkEveryHeartbeats = 4;
/** A client that lets so much pile up is cut off; it lists again. */
const backlogLimitBytes = 16 * 1024 * 1024;

/** The open watches of one server. */
export class WatchStreams {
  readonly #parts: ResourceParts;
  readonly #open = new Set<WatchStream>();
  readonly #stopHeartbeat: () => void;
  #beats = 0;

  constructor(parts: ResourceParts) {
    this.#parts = parts;
    this.#stopHeartbeat = parts.environment.every(heartbeatMs, () => this.#beat());
  }

  get count(): number {
    return this.#open.size;
  }

  /** Serves until the client goes, or `timeoutSeconds`. Throws only before the response began. */
  open(request: ResourceRequest, response: ServerResponse): void {
    const stream = new WatchStream(this.#parts, request, response);
    this.#open.add(stream);
    // The response's, not the request's: that one closes as soon as the request was read.
    response.once("close", () => {
      stream.stop();
      this.#open.delete(stream);
    });
    stream.start();
  }

  close(): void {
    this.#stopHeartbeat();
    for (const stream of this.#open) stream.end();
  }

  #beat(): void {
    this.#beats += 1;
    for (const stream of this.#open) stream.beat(this.#beats % bookmarkEveryHeartbeats === 0);
  }
}

class WatchStream {
  readonly #parts: ResourceParts;
  readonly #request: ResourceRequest;
  readonly #response: ServerResponse;
  readonly #representation: Representation;
  readonly #selects: Predicate;
  readonly #bookmarks: boolean;
  readonly #initialEvents: boolean;
  #stop: () => void = () => {};

  /** Throws 400, 406 and 422 for what cannot be watched so. */
  constructor(parts: ResourceParts, request: ResourceRequest, response: ServerResponse) {
    const { query, kind, namespace, name } = request;
    this.#parts = parts;
    this.#request = request;
    this.#response = response;
    this.#representation = representationOf(request.accept, query);
    this.#bookmarks = isTrue(query.get("allowWatchBookmarks"));
    this.#initialEvents = initialEventsOf(request, this.#bookmarks);
    const selected = parseSelectors(kind, {
      labelSelector: query.get("labelSelector") ?? undefined,
      fieldSelector: query.get("fieldSelector") ?? undefined,
    });
    this.#selects = (object) =>
      (namespace === undefined || object.metadata.namespace === namespace) &&
      (name === undefined || object.metadata.name === name) &&
      (selected === undefined || selected(object));
  }

  start(): void {
    const { query, kind } = this.#request;
    const { store, environment } = this.#parts;
    const timeoutSeconds = wholeNumber(query, "timeoutSeconds");
    this.#response.writeHead(200, { "content-type": "application/json", "cache-control": "no-cache, private" });
    this.#response.flushHeaders();
    try {
      const resourceVersion = this.#initialEvents ? undefined : (query.get("resourceVersion") ?? undefined);
      const watch = store.watch(kind, { resourceVersion }, (event) => this.#onEvent(event));
      this.#stop = () => watch.stop();
    } catch (thrown) {
      // As Kubernetes does: clients list again on an error inside the stream.
      this.#write(`{"type":"ERROR","object":${JSON.stringify(statusOf(thrown))}}\n`);
      this.end();
      return;
    }
    if (this.#initialEvents) this.#bookmark({ "k8s.io/initial-events-end": "true" });
    if (timeoutSeconds !== undefined && timeoutSeconds > 0)
      endAfter(this, this.#response, { environment, ms: timeoutSeconds * 1000 });
  }

  stop(): void {
    this.#stop();
    this.#stop = () => {};
  }

  end(): void {
    this.stop();
    this.#response.end();
  }

  beat(withBookmark: boolean): void {
    if (withBookmark && this.#bookmarks) this.#bookmark();
    else this.#write("\n");
  }

  #onEvent(event: StoreEvent): void {
    const is = event.type !== "DELETED" && this.#selects(event.object);
    const was = event.previous !== undefined && this.#selects(event.previous);
    if (!is && !was) return;
    // What leaves the selection is deleted to the client, what enters it is added.
    const type = is ? (was ? "MODIFIED" : "ADDED") : "DELETED";
    this.#write(`{"type":"${type}","object":${this.#json(event.object)}}\n`);
  }

  #bookmark(annotations?: Record<string, string>): void {
    const { kind } = this.#request;
    const resourceVersion = this.#parts.store.resourceVersion;
    const metadata = {
      resourceVersion,
      creationTimestamp: null,
      ...(annotations === undefined ? {} : { annotations }),
    };
    const object = { kind: kind.kind, apiVersion: apiVersionOf(kind), metadata };
    this.#write(`{"type":"BOOKMARK","object":${JSON.stringify(this.#bookmarkForm(object))}}\n`);
  }

  #bookmarkForm(object: { kind: string; apiVersion: string; metadata: object }): object {
    const { as, metaVersion } = this.#representation;
    if (as === "PartialObjectMetadata")
      return { kind: "PartialObjectMetadata", apiVersion: `meta.k8s.io/${metaVersion}`, metadata: object.metadata };
    if (as === "Object") return object;
    const table = tableOf(this.#request.kind, [], {
      includeObject: "Metadata",
      metaVersion,
      nowMs: 0,
      listMetadata: object.metadata,
    });
    const row = {
      cells: [],
      object: { kind: "PartialObjectMetadata", apiVersion: `meta.k8s.io/${metaVersion}`, metadata: object.metadata },
    };
    return { ...table, rows: [row] };
  }

  #json(object: ApiObject): string {
    return objectJson(this.#request.kind, object, {
      representation: this.#representation,
      nowMs: this.#parts.environment.nowMs(),
    });
  }

  #write(text: string): void {
    if (this.#response.writableEnded || this.#response.destroyed) return;
    this.#response.write(text);
    if (this.#response.writableLength > backlogLimitBytes) this.#response.destroy();
  }
}

/** `sendInitialEvents` (a list in the form of a watch); Kubernetes asks for both other parameters with it. */
function initialEventsOf(request: ResourceRequest, bookmarks: boolean): boolean {
  const { query, kind } = request;
  const asked = query.get("sendInitialEvents");
  const match = query.get("resourceVersionMatch");
  const subject = { kind: "ListOptions", group: "meta.k8s.io", name: "" };
  if (asked === null) {
    if (match !== null)
      throw invalid(subject, [
        {
          reason: "FieldValueForbidden",
          field: "resourceVersionMatch",
          message: "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
        },
      ]);
    return false;
  }
  if (match !== "NotOlderThan") {
    throw invalid(subject, [
      {
        reason: "FieldValueForbidden",
        field: "resourceVersionMatch",
        message: "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
      },
    ]);
  }
  if (!isTrue(asked)) return false;
  if (!bookmarks) throw badRequest(`sendInitialEvents of ${kind.plural} needs allowWatchBookmarks=true`);
  return true;
}

function endAfter(
  stream: WatchStream,
  response: ServerResponse,
  timeout: { environment: Environment; ms: number },
): void {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  timeout.environment.sleep(timeout.ms, gone.signal).then(
    () => stream.end(),
    () => undefined,
  );
}

function isTrue(text: string | null): boolean {
  return text === "true" || text === "1";
}
