import { drainFallbacks, drainKind, nodeKind } from "@vfleet/shared";
import type { Command } from "commander";
import type { ApiClient } from "../api/api-client.ts";
import { connect } from "../api/connect.ts";
import { type AnyObject, apiObjectSchema, createObject, getObject, patchObject } from "../api/objects.ts";
import { type Cli, print } from "../cli.ts";
import { usageError } from "../fail.ts";
import { type DryRun, formatterOf, resultText } from "../output/format.ts";
import { parseDurationMs } from "../resource/duration.ts";
import { nodeName } from "../resource/resource-arguments.ts";
import { followDrain } from "./drain-follow.ts";
import { addDrainWishes, drainManifest, type DrainWishes, isBringBack, unfinishedDrains } from "./drain-object.ts";
import { showPlan } from "./drain-plan.ts";
import { addPlanOption, planOrStrategy } from "./plan-option.ts";
import type { WriteOptions } from "./write-options.ts";

interface DrainOptions extends Pick<WriteOptions, "output">, DrainWishes {
  dryRun: string;
  detach?: boolean;
  cancel?: string;
  timeout: number;
}

type RealDrain = DrainOptions & { dryRun: DryRun };

export function configureDrain(command: Command, cli: Cli): void {
  addPlanOption(
    addDrainWishes(command.argument("[node]", "host to empty"), drainFallbacks),
    "show what it would do, server by server",
  )
    .option("-o, --output <format>", "json, yaml, name or jsonpath=TEMPLATE")
    .option("--detach", "come back as soon as the server knows")
    .option("--timeout <duration>", "how long to follow it; 0: to its end", parseDurationMs, 0)
    .option("--cancel <node>", "end this host's drain; the host stays cordoned")
    .action(async (word: string | undefined, options: DrainOptions) => {
      formatterOf(options.output);
      const client = await connect(cli, command);
      const { dryRun, words } = planOrStrategy(options.dryRun, word === undefined ? [] : [word]);
      const [host] = words;
      if (options.cancel !== undefined) await cancel(cli, client, nodeName(options.cancel));
      else if (host === undefined) throw usageError("USAGE: drain NODE", "For example: vctl drain host-1");
      else if (dryRun === "plan") await showPlan(cli, client, nodeName(host), options);
      else await drain(cli, client, nodeName(host), { ...options, dryRun });
    });
}

async function drain(cli: Cli, client: ApiClient, node: string, options: RealDrain): Promise<void> {
  await getObject(client, nodeKind, { name: node });
  const underway = (await unfinishedDrains(client, node)).find((found) => !isBringBack(found));
  if (underway !== undefined)
    print(cli.error, `node/${node} is already being drained; following drain "${underway.metadata.name}"`);
  const object = underway ?? (await create(cli, client, node, options));
  if (options.detach === true || options.dryRun !== "none") return;
  await followDrain(cli, client, { node, drain: object, timeoutMs: options.timeout });
}

async function create(cli: Cli, client: ApiClient, node: string, options: RealDrain): Promise<AnyObject> {
  const manifest = drainManifest(node, options);
  const object =
    options.dryRun === "client"
      ? apiObjectSchema.parse({ ...manifest, metadata: { ...manifest.metadata, name: "" } })
      : await createObject(client, drainKind, { object: manifest, dryRun: options.dryRun === "server" });
  print(cli.output, resultText({ type: drainKind, object, done: "created" }, options));
  return object;
}

async function cancel(cli: Cli, client: ApiClient, node: string): Promise<void> {
  await getObject(client, nodeKind, { name: node });
  const drains = await unfinishedDrains(client, node);
  if (drains.length === 0) throw usageError(`Cannot cancel the drain of "${node}": it is not being drained`);
  for (const found of drains) {
    const { name } = found.metadata;
    await patchObject(client, drainKind, { place: { name }, patch: { spec: { cancel: true } } });
    const after = isBringBack(found) ? "what is back stays" : `node/${node} stays cordoned (vctl uncordon ${node})`;
    print(cli.output, `drain.vfleet.dev/${name} asked to cancel; ${after}`);
  }
}
