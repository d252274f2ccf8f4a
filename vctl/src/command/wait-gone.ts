import type { ApiClient } from "../api/api-client.ts";
import { followObject } from "../api/follow.ts";
import type { Cli } from "../cli.ts";
import { fail } from "../fail.ts";
import type { ResourceType } from "../resource/resource-type.ts";

export interface Victim {
  type: ResourceType;
  namespace: string | undefined;
  name: string;
}

/** Resolves when an object that is being deleted isn't there any more. Throws `timed-out` when the signal comes first. */
export async function waitGone(
  cli: Cli,
  client: ApiClient,
  { type, namespace, name }: Victim,
  signal: AbortSignal,
): Promise<void> {
  let uid: string | undefined;
  try {
    for await (const object of followObject(client, type, { name, namespace, signal, environment: cli.environment })) {
      uid ??= object?.metadata.uid;
      // Someone made another one of that name.
      if (object === undefined || object.metadata.uid !== uid || object.metadata.deletionTimestamp === undefined)
        return;
    }
  } catch (thrown) {
    if (signal.aborted && !cli.signal.aborted)
      throw fail(
        "timed-out",
        { what: `the condition on ${type.plural}/${name}` },
        { hint: "It goes on being deleted" },
      );
    throw thrown;
  }
}
