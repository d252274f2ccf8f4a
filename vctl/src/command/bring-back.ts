import { drainKind } from "@vfleet/shared";
import type { Command } from "commander";
import type { ApiClient } from "../api/api-client.ts";
import { type AnyObject, createObject } from "../api/objects.ts";
import { type Cli, print } from "../cli.ts";
import { resultText } from "../output/format.ts";
import { parseDurationMs } from "../resource/duration.ts";
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

/** The fleet does the moves, and refuses while the node is being drained; this only asks for them, or finds them under way. */
export async function askBack(
  cli: Cli,
  client: ApiClient,
  node: string,
  options: BringBackOptions,
): Promise<AnyObject> {
  const underway = (await unfinishedDrains(client, node)).find(isBringBack);
  if (underway !== undefined) {
    print(cli.error, `node/${node} is already being filled again; following drain "${underway.metadata.name}"`);
    return underway;
  }
  const object = await createObject(client, drainKind, { object: drainManifest(node, options, { bringBack: true }) });
  print(cli.output, resultText({ type: drainKind, object, done: "created" }, {}));
  return object;
}
