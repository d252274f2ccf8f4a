import { drainFallbacks, drainKind, drainSchema, nodeKind } from "@vfleet/shared";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { ApiClient } from "../api/api-client.ts";
import { connect } from "../api/connect.ts";
import { type AnyObject, apiObjectSchema, createObject, getObject, listObjects, patchObject } from "../api/objects.ts";
import { type Cli, print } from "../cli.ts";
import { usageError } from "../fail.ts";
import { type DryRun, formatterOf, resultText } from "../output/format.ts";
import { parseDurationMs } from "../resource/duration.ts";
import { nodeName } from "../resource/resource-arguments.ts";
import { followDrain } from "./drain-follow.ts";
import { showPlan } from "./drain-plan.ts";
import type { WriteOptions } from "./write-options.ts";

interface DrainOptions extends Pick<WriteOptions, "output"> {
  /** `plan` where the flag stands alone; a host where that comes after it. */
  dryRun: string;
  maxParallel?: number;
  deadline?: number;
  fallback?: string;
  detach?: boolean;
  cancel?: string;
  timeout: number;
}

type RealDrain = DrainOptions & { dryRun: DryRun };

const statusSchema = drainSchema.shape.status;
const endedPhases: readonly string[] = ["Planned", "Succeeded", "Failed", "Cancelled"];
const strategies: readonly string[] = ["none", "client", "server"] satisfies DryRun[];

export function configureDrain(command: Command, cli: Cli): void {
  command
    .addOption(
      new Option(
        "--dry-run [strategy]",
        "alone: show what it would do, server by server; client: send nothing; server: have it checked",
      )
        .preset("plan")
        .default("none"),
    )
    .option("-o, --output <format>", "json, yaml, name or jsonpath=TEMPLATE")
    .argument("[node]", "host to empty")
    .option("--max-parallel <number>", "moves under way at once; default: 2", parseParallel)
    .option("--deadline <duration>", "begin no further move after so long, such as 30m", parseDeadline)
    .addOption(
      new Option(
        "--fallback <what>",
        "for servers that can't be moved while they run; wait: they hold it up, cold: stop, move and start them, stop: stop them; default: wait",
      ).choices(drainFallbacks),
    )
    .option("--detach", "come back as soon as the server knows")
    .option("--timeout <duration>", "how long to follow it; 0: to its end", parseDurationMs, 0)
    .option("--cancel <node>", "end this host's drain; the host stays cordoned")
    .action(async (word: string | undefined, options: DrainOptions) => {
      formatterOf(options.output);
      const client = await connect(cli, command);
      const { dryRun } = options;
      const isPlan = !strategies.includes(dryRun);
      const host = word ?? (isPlan && dryRun !== "plan" ? dryRun : undefined);
      if (options.cancel !== undefined) await cancel(cli, client, nodeName(options.cancel));
      else if (host === undefined) throw usageError("USAGE: drain NODE", "For example: vctl drain host-1");
      else if (isPlan && dryRun !== "plan" && word !== undefined)
        throw usageError(`unknown dry-run strategy "${dryRun}": client, server, or none for the plan`);
      else if (isPlan)
        await showPlan(cli, client, { node: nodeName(host), spec: wishesOf(options), output: options.output });
      else await drain(cli, client, nodeName(host), { ...options, dryRun: strategyOf(dryRun) });
    });
}

function strategyOf(dryRun: string): DryRun {
  return dryRun === "client" || dryRun === "server" ? dryRun : "none";
}

async function drain(cli: Cli, client: ApiClient, node: string, options: RealDrain): Promise<void> {
  await getObject(client, nodeKind, { name: node });
  const [underway] = await unfinished(client, node);
  if (underway !== undefined)
    print(cli.error, `node/${node} is already being drained; following drain "${underway.metadata.name}"`);
  const object = underway ?? (await create(cli, client, node, options));
  if (options.detach === true || options.dryRun !== "none") return;
  await followDrain(cli, client, { node, drain: object, timeoutMs: options.timeout });
}

async function create(cli: Cli, client: ApiClient, node: string, options: RealDrain): Promise<AnyObject> {
  const manifest = {
    apiVersion: "vfleet.dev/v1",
    kind: "Drain",
    metadata: { generateName: `${node}-` },
    spec: { node, ...wishesOf(options) },
  };
  const object =
    options.dryRun === "client"
      ? apiObjectSchema.parse({ ...manifest, metadata: { ...manifest.metadata, name: "" } })
      : await createObject(client, drainKind, { object: manifest, dryRun: options.dryRun === "server" });
  print(cli.output, resultText({ type: drainKind, object, done: "created" }, options));
  return object;
}

/** What is said of the drain itself; the server's defaults hold for the rest. */
function wishesOf({ maxParallel, deadline, fallback }: DrainOptions): Record<string, unknown> {
  const deadlineSeconds = deadline === undefined ? undefined : Math.ceil(deadline / 1000);
  const wishes = { maxParallel, deadlineSeconds, fallback };
  return Object.fromEntries(Object.entries(wishes).filter(([, value]) => value !== undefined));
}

async function unfinished(client: ApiClient, node: string): Promise<AnyObject[]> {
  const { items } = await listObjects(client, drainKind, { query: { fieldSelector: `spec.node=${node}` } });
  return items.filter((drain) => {
    const phase = statusSchema.parse(drain["status"] ?? {})?.phase ?? "Pending";
    return !endedPhases.includes(phase) && drain.metadata.deletionTimestamp === undefined;
  });
}

async function cancel(cli: Cli, client: ApiClient, node: string): Promise<void> {
  await getObject(client, nodeKind, { name: node });
  const drains = await unfinished(client, node);
  if (drains.length === 0) throw usageError(`Cannot cancel the drain of "${node}": it is not being drained`);
  for (const { metadata } of drains) {
    await patchObject(client, drainKind, { place: { name: metadata.name }, patch: { spec: { cancel: true } } });
    print(
      cli.output,
      `drain.vfleet.dev/${metadata.name} asked to cancel; node/${node} stays cordoned (vctl uncordon ${node})`,
    );
  }
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
