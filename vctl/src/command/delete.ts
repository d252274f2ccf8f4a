import type { Command } from "commander";
import type { ApiClient } from "../api/api-client.ts";
import { connect } from "../api/connect.ts";
import { getObject, listObjects } from "../api/objects.ts";
import { isNotFound } from "../api/status-error.ts";
import { type Cli, print } from "../cli.ts";
import { usageError } from "../fail.ts";
import { printError } from "../print-error.ts";
import { parseDurationMs } from "../resource/duration.ts";
import { resolveArguments } from "../resource/resource-arguments.ts";
import { objectName, pathOf, qualifiedSingular } from "../resource/resource-type.ts";
import { deadlineSignal } from "./deadline.ts";
import { eachManifest } from "./create.ts";
import { addSelectionOptions, namespaceOf, type SelectionOptions, selectionQuery } from "./selection-options.ts";
import { type Victim, waitGone } from "./wait-gone.ts";
import { addFilenameOption, addWriteOptions, type WriteOptions } from "./write-options.ts";

interface DeleteOptions extends WriteOptions, SelectionOptions {
  filename?: string[];
  all?: boolean;
  wait: boolean | string;
  timeout: number;
  ignoreNotFound?: boolean;
}

export function configureDelete(command: Command, cli: Cli): void {
  addWriteOptions(addFilenameOption(addSelectionOptions(command)))
    .argument("[resource...]", "TYPE NAME... or TYPE/NAME...")
    .option("--all", "all objects of the type in the namespace")
    .option("--wait [yes]", "wait until they are gone", true)
    .option("--no-wait", "come back as soon as the server knows")
    .option("--timeout <duration>", "how long to wait; 0: for ever", parseDurationMs, 0)
    .option("--ignore-not-found", "an object that does not exist is no error")
    .action(async (words: string[], options: DeleteOptions) => {
      const client = await connect(cli, command);
      const victims = await select(cli, client, words, options);
      const waits: Victim[] = [];
      for (const victim of victims) if (await deleteOne(cli, client, victim, options)) waits.push(victim);
      const wait = options.wait !== false && options.wait !== "false" && options.dryRun === "none";
      const signal = deadlineSignal(cli, options.timeout);
      for (const victim of wait ? waits : []) await waitGone(cli, client, victim, signal);
    });
}

async function select(
  cli: Cli,
  client: ApiClient,
  words: readonly string[],
  options: DeleteOptions,
): Promise<Victim[]> {
  if (options.filename !== undefined) {
    const victims: Victim[] = [];
    await eachManifest(
      cli,
      client,
      { files: options.filename, doing: "deleting" },
      async ({ type, namespace, manifest }, { file }) => {
        if (manifest.metadata.name === undefined)
          throw usageError(`Cannot delete what "${file}" names: metadata.name is needed`);
        victims.push({ type, namespace, name: manifest.metadata.name });
      },
    );
    return victims;
  }
  if (words.length === 0)
    throw usageError(
      "You must provide one or more resources by argument or filename.",
      "For example: vctl delete vs cache, vctl delete -f cache.yaml",
    );
  const victims: Victim[] = [];
  const bySelection = options.all === true || options.selector !== undefined || options.fieldSelector !== undefined;
  for (const { type, name } of await resolveArguments(words, client)) {
    const namespace = namespaceOf(client, type, options);
    if (name !== undefined) {
      if (bySelection) throw usageError("name cannot be provided when a selector is specified");
      victims.push({ type, namespace, name });
    } else if (bySelection) {
      const { items } = await listObjects(client, type, { namespace, query: selectionQuery(options) });
      victims.push(
        ...items.map(({ metadata }) => ({ type, namespace: metadata.namespace ?? namespace, name: metadata.name })),
      );
    } else throw usageError("resource(s) were provided, but no name was specified");
  }
  if (victims.length === 0) print(cli.output, "No resources found");
  return victims;
}

/** Whether there was something to delete. */
async function deleteOne(cli: Cli, client: ApiClient, victim: Victim, options: DeleteOptions): Promise<boolean> {
  try {
    if (options.dryRun === "client") await getObject(client, victim.type, victim);
    else {
      const body = {
        apiVersion: "v1",
        kind: "DeleteOptions",
        propagationPolicy: "Background",
        ...(options.dryRun === "server" ? { dryRun: ["All"] } : {}),
      };
      await client.json({ method: "DELETE", path: pathOf(victim.type, victim), body });
    }
  } catch (thrown) {
    if (!isNotFound(thrown)) throw thrown;
    if (options.ignoreNotFound !== true) {
      printError(cli, thrown);
      cli.exitCode = 1;
    }
    return false;
  }
  const note = options.dryRun === "none" ? "" : options.dryRun === "client" ? " (dry run)" : " (server dry run)";
  print(
    cli.output,
    options.output === "name"
      ? objectName(victim.type, victim.name)
      : `${qualifiedSingular(victim.type)} "${victim.name}" deleted${note}`,
  );
  return true;
}
