import { drainKind } from "@vfleet/shared";
import type { Command } from "commander";
import type { ApiClient } from "../api/api-client.ts";
import { createObject } from "../api/objects.ts";
import { type Cli, print } from "../cli.ts";
import { resultText } from "../output/format.ts";
import { parseDurationMs } from "../resource/duration.ts";
import { followDrain } from "./drain-follow.ts";
import { addDrainWishes, drainManifest, type DrainWishes, isBringBack, unfinishedDrains } from "./drain-object.ts";

export interface BringBackOptions extends DrainWishes {
  bringBack?: boolean;
  detach?: boolean;
  timeout?: number;
}

export function addBringBackOptions(command: Command): Command {
  return addDrainWishes(
    command.option("--bring-back", "move back what the last drain moved away, and start what it stopped"),
    ["wait", "cold"],
  )
    .option("--detach", "with --bring-back: come back as soon as the server knows")
    .option("--timeout <duration>", "with --bring-back: how long to follow it; 0: to its end", parseDurationMs, 0);
}

/** The fleet opens the node and does the moves; this only asks for them and follows. */
export async function bringBack(cli: Cli, client: ApiClient, node: string, options: BringBackOptions): Promise<void> {
  const underway = (await unfinishedDrains(client, node)).find(isBringBack);
  if (underway !== undefined)
    print(cli.error, `node/${node} is already being filled again; following drain "${underway.metadata.name}"`);
  const object =
    underway ?? (await createObject(client, drainKind, { object: drainManifest(node, options, { bringBack: true }) }));
  if (underway === undefined) print(cli.output, resultText({ type: drainKind, object, done: "created" }, {}));
  if (options.detach !== true) await followDrain(cli, client, { node, drain: object, timeoutMs: options.timeout ?? 0 });
}
