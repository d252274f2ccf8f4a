import { type DrainFallback, drainKind, drainSchema } from "@vfleet/shared";
import { type Command, InvalidArgumentError, Option } from "commander";
import { z } from "zod";
import type { ApiClient } from "../api/api-client.ts";
import { type AnyObject, type NewObject, listObjects } from "../api/objects.ts";
import { parseDurationMs } from "../resource/duration.ts";

/** What is said of a drain, of either way. */
export interface DrainWishes {
  maxParallel?: number;
  deadline?: number;
  fallback?: string;
}

const statusSchema = drainSchema.shape.status;
const specSchema = z.looseObject({ bringBack: z.boolean().default(false) });
const endedPhases: readonly string[] = ["Planned", "Succeeded", "Failed", "Cancelled"];

export function addDrainWishes(command: Command, fallbacks: readonly DrainFallback[]): Command {
  const meanings: Record<DrainFallback, string> = {
    wait: "they hold it up",
    cold: "stop, move and start them",
    stop: "stop them",
  };
  const choices = fallbacks.map((fallback) => `${fallback}: ${meanings[fallback]}`).join(", ");
  return command
    .option("--max-parallel <number>", "moves under way at once; default: 2", parseParallel)
    .option("--deadline <duration>", "begin no further move after so long, such as 30m", parseDeadline)
    .addOption(
      new Option(
        "--fallback <what>",
        `for servers that can't be moved while they run; ${choices}; default: wait`,
      ).choices(fallbacks),
    );
}

/** The server's defaults hold for what isn't said. */
export function drainManifest(
  node: string,
  { maxParallel, deadline, fallback }: DrainWishes,
  more: { bringBack?: true; dryRun?: true } = {},
): NewObject {
  const deadlineSeconds = deadline === undefined ? undefined : Math.ceil(deadline / 1000);
  const wishes = Object.entries({ maxParallel, deadlineSeconds, fallback }).filter(([, value]) => value !== undefined);
  const what = more.dryRun === true ? "-plan" : more.bringBack === true ? "-back" : "";
  return {
    apiVersion: "vfleet.dev/v1",
    kind: "Drain",
    metadata: { generateName: `${node}${what}-` },
    spec: { node, ...Object.fromEntries(wishes), ...more },
  };
}

/** Drains of a node that have not ended, away from it and back to it. */
export async function unfinishedDrains(client: ApiClient, node: string): Promise<AnyObject[]> {
  const { items } = await listObjects(client, drainKind, { query: { fieldSelector: `spec.node=${node}` } });
  return items.filter((drain) => {
    const phase = statusSchema.parse(drain["status"] ?? {})?.phase ?? "Pending";
    return !endedPhases.includes(phase) && drain.metadata.deletionTimestamp === undefined;
  });
}

export function isBringBack(drain: AnyObject): boolean {
  return specSchema.parse(drain["spec"]).bringBack;
}

function parseDeadline(text: string): number {
  const durationMs = parseDurationMs(text);
  if (durationMs <= 0) throw new InvalidArgumentError("A duration above 0 is needed, such as 30m.");
  return durationMs;
}

function parseParallel(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError("A whole number above 0 is needed.");
  return value;
}
