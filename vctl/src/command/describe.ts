import { eventKind, virtualServerKind } from "@vfleet/shared";
import type { Command } from "commander";
import type { ApiClient } from "../api/api-client.ts";
import { connect } from "../api/connect.ts";
import { type AnyObject, getObject, listObjects } from "../api/objects.ts";
import { isNotFound } from "../api/status-error.ts";
import { type Cli, print } from "../cli.ts";
import { describeKinds } from "../output/describe-kinds.ts";
import { describeAny, eventRows } from "../output/describe-object.ts";
import { readEvent } from "../output/event-table.ts";
import { formatOutline, type Outline } from "../output/outline.ts";
import { printError } from "../print-error.ts";
import { resolveArguments } from "../resource/resource-arguments.ts";
import { addSelectionOptions, namespaceOf, type SelectionOptions, selectionQuery } from "./selection-options.ts";

interface DescribeOptions extends SelectionOptions {
  showEvents: string;
}

export function configureDescribe(command: Command, cli: Cli): void {
  addSelectionOptions(command)
    .argument("<resource...>", "TYPE, TYPE NAME... or TYPE/NAME...")
    .option("--show-events <yes>", "with what happened to it", "true")
    .action(async (words: string[], options: DescribeOptions) => {
      const client = await connect(cli, command);
      const objects: AnyObject[] = [];
      for (const { type, name } of await resolveArguments(words, client)) {
        const namespace = namespaceOf(client, type, options);
        try {
          if (name !== undefined) objects.push(await getObject(client, type, { namespace, name }));
          else objects.push(...(await listObjects(client, type, { namespace, query: selectionQuery(options) })).items);
        } catch (thrown) {
          if (!isNotFound(thrown)) throw thrown;
          printError(cli, thrown);
          cli.exitCode = 1;
        }
      }
      if (objects.length === 0 && cli.exitCode === 0)
        print(
          cli.error,
          options.allNamespaces === true
            ? "No resources found"
            : `No resources found in ${client.namespace} namespace.`,
        );
      for (const [index, object] of objects.entries()) {
        if (index > 0) print(cli.output, "\n");
        const outline = await describe(cli, client, object);
        const events: Outline =
          options.showEvents === "false"
            ? []
            : [["Events", eventRows(await eventsOf(client, object), cli.environment.nowMs())]];
        for (const line of formatOutline([...outline, ...events])) print(cli.output, line);
      }
    });
}

async function describe(cli: Cli, client: ApiClient, object: AnyObject): Promise<Outline> {
  const special = describeKinds[object.kind];
  if (special === undefined) return describeAny(object);
  const nowMs = cli.environment.nowMs();
  try {
    return special(
      object,
      object.kind === "Node" ? { nowMs, servers: await serversOn(client, object.metadata.name) } : { nowMs },
    );
  } catch (thrown) {
    // A newer server may say what this version can't read: then its members tell as much as they can.
    if (thrown instanceof Error && thrown.name === "ZodError") return describeAny(object);
    throw thrown;
  }
}

async function serversOn(client: ApiClient, node: string): Promise<AnyObject[]> {
  const { items } = await listObjects(client, virtualServerKind, {
    query: { fieldSelector: `status.nodeName=${node}` },
  });
  return items;
}

async function eventsOf(client: ApiClient, { kind, metadata: { name, namespace, uid } }: AnyObject) {
  const about = { kind, name, namespace, uid };
  const fieldSelector = Object.entries(about)
    .filter(([, value]) => value !== undefined)
    .map(([member, value]) => `involvedObject.${member}=${value}`)
    .join(",");
  const { items } = await listObjects(client, eventKind, { namespace, query: { fieldSelector } });
  return items.map(readEvent);
}
