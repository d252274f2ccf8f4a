import { nodeKind } from "@vfleet/shared";
import type { Command } from "commander";
import { z } from "zod";
import { connect } from "../api/connect.ts";
import { getObject, listObjects, patchObject } from "../api/objects.ts";
import { isNotFound } from "../api/status-error.ts";
import { type Cli, print } from "../cli.ts";
import { usageError } from "../fail.ts";
import { printError } from "../print-error.ts";
import { nodeName } from "../resource/resource-arguments.ts";
import { addBringBackOptions, askBack, type BringBackOptions } from "./bring-back.ts";
import { followDrain } from "./drain-follow.ts";

interface CordonOptions extends BringBackOptions {
  selector?: string;
  dryRun: "none" | "client" | "server";
}

const specSchema = z.looseObject({ unschedulable: z.boolean().optional() }).prefault({});

export function configureCordon(command: Command, cli: Cli): void {
  configureSchedulable(command, cli, true);
}

export function configureUncordon(command: Command, cli: Cli): void {
  addBringBackOptions(command);
  configureSchedulable(command, cli, false);
}

function configureSchedulable(command: Command, cli: Cli, unschedulable: boolean): void {
  const done = unschedulable ? "cordoned" : "uncordoned";
  command
    .argument("[node...]")
    .option("-l, --selector <query>", "nodes with these labels")
    .option("--dry-run <strategy>", "none, client or server", "none")
    .action(async (words: string[], options: CordonOptions) => {
      if (words.length === 0 && options.selector === undefined)
        throw usageError("USAGE: cordon NODE", `For example: vctl ${command.name()} host-1`);
      if (options.bringBack === true && (words.length !== 1 || options.dryRun !== "none"))
        throw usageError(
          "USAGE: uncordon NODE --bring-back",
          "One host at a time; for what it would do: kubectl create a Drain with bringBack and dryRun",
        );
      const client = await connect(cli, command);
      const names =
        options.selector === undefined
          ? words.map(nodeName)
          : (await listObjects(client, nodeKind, { query: { labelSelector: options.selector } })).items.map(
              ({ metadata }) => metadata.name,
            );
      for (const name of names) {
        try {
          const node = await getObject(client, nodeKind, { name });
          const back = options.bringBack === true ? await askBack(cli, client, name, options) : undefined;
          const already = (specSchema.parse(node["spec"]).unschedulable === true) === unschedulable;
          if (!already && options.dryRun !== "client") {
            await patchObject(client, nodeKind, {
              place: { name },
              patch: { spec: { unschedulable: unschedulable ? true : null } },
              dryRun: options.dryRun === "server",
            });
          }
          const note =
            options.dryRun === "none" ? "" : options.dryRun === "client" ? " (dry run)" : " (server dry run)";
          print(cli.output, `node/${name} ${already ? "already " : ""}${done}${note}`);
          if (back !== undefined && options.detach !== true)
            await followDrain(cli, client, { node: name, drain: back, timeoutMs: options.timeout ?? 0 });
        } catch (thrown) {
          if (!isNotFound(thrown)) throw thrown;
          printError(cli, thrown);
          cli.exitCode = 1;
        }
      }
    });
}
