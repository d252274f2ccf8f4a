import { eventKind } from "@vfleet/shared";
import type { Command } from "commander";
import type { ApiClient } from "../api/api-client.ts";
import { connect } from "../api/connect.ts";
import { followObjects } from "../api/follow.ts";
import { listObjects } from "../api/objects.ts";
import { type Cli, print } from "../cli.ts";
import { Columns } from "../output/columns.ts";
import { eventAge, eventObject, readEvent, type ShownEvent, sortEvents } from "../output/event-table.ts";
import { listOf, formatterOf } from "../output/format.ts";
import { resolveOne } from "../resource/resource-arguments.ts";

interface EventsOptions {
  for?: string;
  types?: string;
  watch?: boolean;
  allNamespaces?: boolean;
  headers?: boolean;
  output?: string;
}

export function configureEvents(command: Command, cli: Cli): void {
  command
    .option("--for <object>", "only about this TYPE/NAME")
    .option("--types <types>", "only these, such as Warning")
    .option("-w, --watch", "then show events as they happen")
    .option("-A, --all-namespaces", "in all namespaces")
    .option("-o, --output <format>", "json, yaml or jsonpath=TEMPLATE")
    .option("--no-headers", "leave out the heading line")
    .action(async (options: EventsOptions) => {
      const formatter = formatterOf(options.output);
      const client = await connect(cli, command);
      const { namespace, fieldSelector } = await selection(client, options);
      const types = options.types?.toLowerCase().split(",");
      const isWanted = (event: ShownEvent) => types === undefined || types.includes(event.type.toLowerCase());
      if (options.watch === true) {
        await watchEvents(cli, client, { namespace, fieldSelector, isWanted, options });
        return;
      }
      const { items } = await listObjects(client, eventKind, { namespace, query: { fieldSelector } });
      if (formatter !== undefined) {
        print(cli.output, formatter(listOf(items.filter((item) => isWanted(readEvent(item))))));
        return;
      }
      const events = sortEvents(items.map(readEvent)).filter(isWanted);
      if (events.length === 0) {
        print(cli.error, namespace === undefined ? "No events found." : `No events found in ${namespace} namespace.`);
        return;
      }
      const nowMs = cli.environment.nowMs();
      const rows = events.map((event) => eventRow(event, nowMs, options));
      for (const line of new Columns().format([...heading(options), ...rows])) print(cli.output, line);
    });
}

interface Selection {
  namespace: string | undefined;
  fieldSelector: string | undefined;
}

async function selection(client: ApiClient, options: EventsOptions): Promise<Selection> {
  if (options.for === undefined)
    return { namespace: options.allNamespaces === true ? undefined : client.namespace, fieldSelector: undefined };
  const { type, name } = await resolveOne(options.for, client);
  return {
    // Events about what has no namespace may be in any.
    namespace: options.allNamespaces === true || !type.namespaced ? undefined : client.namespace,
    fieldSelector: `involvedObject.kind=${type.kind},involvedObject.name=${name}`,
  };
}

async function watchEvents(
  cli: Cli,
  client: ApiClient,
  {
    namespace,
    fieldSelector,
    isWanted,
    options,
  }: Selection & { isWanted: (event: ShownEvent) => boolean; options: EventsOptions },
): Promise<void> {
  const columns = new Columns();
  const seen = new Map<string, string>();
  const show = (events: readonly ShownEvent[], rows: string[][] = []) => {
    rows.push(...events.filter(isWanted).map((event) => eventRow(event, cli.environment.nowMs(), options)));
    for (const line of columns.format(rows)) print(cli.output, line);
  };
  let first: ShownEvent[] | undefined = [];
  for await (const change of followObjects(client, eventKind, {
    namespace,
    query: { fieldSelector },
    signal: cli.signal,
    environment: cli.environment,
  })) {
    if (change.type === "listed" && first !== undefined) {
      show(sortEvents(first), heading(options));
      first = undefined;
    }
    if (change.type !== "present") continue;
    const { uid = change.object.metadata.name, resourceVersion = "" } = change.object.metadata;
    if (seen.get(uid) === resourceVersion) continue; // listed again after a lost connection
    seen.set(uid, resourceVersion);
    if (first === undefined) show([readEvent(change.object)]);
    else first.push(readEvent(change.object));
  }
}

function heading(options: EventsOptions): string[][] {
  return options.headers
    ? [[...(options.allNamespaces === true ? ["NAMESPACE"] : []), "LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]]
    : [];
}

function eventRow(event: ShownEvent, nowMs: number, options: EventsOptions): string[] {
  const namespace = options.allNamespaces === true ? [event.metadata.namespace ?? ""] : [];
  return [...namespace, eventAge(event, nowMs), event.type, event.reason, eventObject(event), event.message];
}
