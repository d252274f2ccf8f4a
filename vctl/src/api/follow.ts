import type { Environment } from "@vfleet/shared";
import type { ResourceType } from "../resource/resource-type.ts";
import { pathOf } from "../resource/resource-type.ts";
import { type ApiClient, isPassing, type Query } from "./api-client.ts";
import { type AnyObject, apiObjectSchema, listObjects } from "./objects.ts";

export interface FollowOptions {
  namespace?: string | undefined;
  query?: Query;
  signal: AbortSignal;
  environment: Environment;
  /** Called once each time the way to the server breaks after it had worked. */
  onLost?: (thrown: unknown) => void;
}

export interface Change {
  type: "present" | "deleted";
  object: AnyObject;
}

/** How long a server that had answered may be away, for instance for its restart. */
const patienceMs = 120_000;
const retryMs = 500;

/**
 * The objects of a selection as they are and as they change, for as long as the caller asks: across lost connections
 * and server restarts, since following must outlive them. `listed` comes after each full list, with its names.
 * The first list's error is the caller's.
 */
export async function* followObjects(
  client: ApiClient,
  type: ResourceType,
  options: FollowOptions,
): AsyncGenerator<Change | { type: "listed"; names: ReadonlySet<string> }> {
  const { environment, signal, query } = options;
  let lastGoodMs: number | undefined;
  let lost = false;
  for (;;) {
    try {
      const list = await listObjects(client, type, options);
      lastGoodMs = environment.monotonicMs();
      lost = false;
      for (const object of list.items) yield { type: "present", object };
      yield { type: "listed", names: new Set(list.items.map((object) => object.metadata.name)) };
      const request = {
        path: pathOf(type, options),
        query: { ...query, resourceVersion: list.resourceVersion },
        signal,
      };
      for await (const event of client.watch(request)) {
        lastGoodMs = environment.monotonicMs();
        yield { type: event.type === "DELETED" ? "deleted" : "present", object: apiObjectSchema.parse(event.object) };
      }
    } catch (thrown) {
      signal.throwIfAborted();
      if (lastGoodMs === undefined || !isPassing(thrown) || environment.monotonicMs() - lastGoodMs > patienceMs)
        throw thrown;
      if (!lost) options.onLost?.(thrown);
      lost = true;
    }
    await environment.sleep(retryMs, signal);
  }
}

/** One object as it is and as it changes; `undefined`, and the end, once it does not exist. */
export async function* followObject(
  client: ApiClient,
  type: ResourceType,
  { name, ...options }: FollowOptions & { name: string },
): AsyncGenerator<AnyObject | undefined> {
  const query = { ...options.query, fieldSelector: `metadata.name=${name}` };
  for await (const change of followObjects(client, type, { ...options, query })) {
    if (change.type === "listed" ? !change.names.has(name) : change.type === "deleted") {
      yield undefined;
      return;
    }
    if (change.type === "present") yield change.object;
  }
}
