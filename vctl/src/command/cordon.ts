import { nodeKind } from "@vfleet/shared";
import type { Command } from "commander";
import { z } from "zod";
import { connect } from "../api/connect.ts";
import type { ApiClient } from "../api/api-client.ts";
import { getObject, listObjects, patchObject } from "../api/objects.ts";
import { isNotFound } from "../api/status-error.ts";
import { type Cli, print } from "../cli.ts";
import { usageError } from "../fail.ts";
import type { DryRun } from "../output/format.ts";
import { printError } from "../print-error.ts";
import { nodeName } from "../resource/resource-arguments.ts";
import { addBringBackOptions, askBack, type BringBackOptions } from "./bring-back.ts";
import { followDrain } from "./drain-follow.ts";
import { showPlan } from "./drain-plan.ts";
import { addPlanOption, planOrStrategy } from "./plan-option.ts";

interface CordonOptions extends BringBackOptions {
  selector?: string;
  dryRun: string;
}

const specSchema = z.looseObject({ unschedulable: z.boolean().optional() }).prefault({});

export function configureCordon(command: Command, cli: Cli): void {
  configureSchedulable(command.option("--dry-run <strategy>", "none, client or server", "none"), cli, {
    unschedulable: true,
  });
}

export function configureUncordon(command: Command, cli: Cli): void {
  addBringBackOptions(command);
  addPlanOption(command, "with --bring-back: show what would come back");
  configureSchedulable(command, cli, { unschedulable: false });
}

function configureSchedulable(command: Command, cli: Cli, { unschedulable }: { unschedulable: boolean }): void {
  command
    .argument("[node...]")
    .option("-l, --selector <query>", "nodes with these labels")
    .action(async (written: string[], options: CordonOptions) => {
      const { dryRun, words } = planOrStrategy(options.dryRun, written);
      if (words.length === 0 && options.selector === undefined)
        throw usageError(`USAGE: ${command.name()} NODE`, `For example: vctl ${command.name()} host-1`);
      const isPlan = dryRun === "plan";
      if (options.bringBack === true && (words.length !== 1 || (dryRun !== "none" && !isPlan)))
        throw usageError(
          "USAGE: uncordon NODE --bring-back",
          "One host at a time; for what it would do: vctl uncordon NODE --bring-back --dry-run",
        );
      if (isPlan && options.bringBack !== true)
        throw usageError("USAGE: uncordon NODE --dry-run=client", "client or server; a plan is of --bring-back");
      const client = await connect(cli, command);
      if (isPlan) {
        const [name = ""] = words.map(nodeName);
        await getObject(client, nodeKind, { name });
        await showPlan(cli, client, name, { ...options, bringBack: true });
        return;
      }
      for (const name of await nodeNames(client, words, options.selector)) {
        try {
          await setSchedulable(cli, client, name, { ...options, dryRun, unschedulable });
        } catch (thrown) {
          if (!isNotFound(thrown)) throw thrown;
          printError(cli, thrown);
          cli.exitCode = 1;
        }
      }
    });
}

async function nodeNames(client: ApiClient, words: readonly string[], selector?: string): Promise<string[]> {
  if (selector === undefined) return words.map(nodeName);
  const { items } = await listObjects(client, nodeKind, { query: { labelSelector: selector } });
  return items.map(({ metadata }) => metadata.name);
}

async function setSchedulable(
  cli: Cli,
  client: ApiClient,
  name: string,
  options: BringBackOptions & { dryRun: DryRun; unschedulable: boolean },
): Promise<void> {
  const { dryRun, unschedulable } = options;
  const done = unschedulable ? "cordoned" : "uncordoned";
  const node = await getObject(client, nodeKind, { name });
  const back = options.bringBack === true ? await askBack(cli, client, name, options) : undefined;
  const already = (specSchema.parse(node["spec"]).unschedulable === true) === unschedulable;
  if (!already && dryRun !== "client") {
    await patchObject(client, nodeKind, {
      place: { name },
      patch: { spec: { unschedulable: unschedulable ? true : null } },
      dryRun: dryRun === "server",
    });
  }
  const note = dryRun === "none" ? "" : dryRun === "client" ? " (dry run)" : " (server dry run)";
  print(cli.output, `node/${name} ${already ? "already " : ""}${done}${note}`);
  if (back !== undefined && options.detach !== true)
    await followDrain(cli, client, { node: name, drain: back, timeoutMs: options.timeout ?? 0 });
}
