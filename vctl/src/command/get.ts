import { type Command, Option } from "commander";
import type { ApiClient } from "../api/api-client.ts";
import { connect } from "../api/connect.ts";
import { type AnyObject, getObject, listObjects } from "../api/objects.ts";
import { isNotFound } from "../api/status-error.ts";
import { type Cli, print } from "../cli.ts";
import { usageError } from "../fail.ts";
import { type Formatter, formatterOf, listOf } from "../output/format.ts";
import { type Table, tableAccept, TablePrinter, tableSchema } from "../output/table.ts";
import { printError } from "../print-error.ts";
import { readManifests } from "../resource/manifests.ts";
import { resolveArguments, type ResourceTarget } from "../resource/resource-arguments.ts";
import {
  objectName,
  pathOf,
  qualifiedSingular,
  resolveManifestType,
  type ResourceType,
} from "../resource/resource-type.ts";
import { watchObjects } from "./get-watch.ts";
import {
  addSelectionOptions,
  collect,
  namespaceOf,
  type SelectionOptions,
  selectionQuery,
} from "./selection-options.ts";

export interface GetOptions extends SelectionOptions {
  output?: string;
  filename?: string[];
  watch?: boolean;
  watchOnly?: boolean;
  headers?: boolean;
  showLabels?: boolean;
  showManagedFields?: boolean;
  ignoreNotFound?: boolean;
}

/** A target with the namespace it is in; a file may name its own. */
type Placed = ResourceTarget & { namespace: string | undefined };

export function configureGet(command: Command, cli: Cli): void {
  addSelectionOptions(command)
    .argument("[resource...]", "TYPE, TYPE,TYPE, TYPE NAME... or TYPE/NAME...")
    .option("-o, --output <format>", "wide, json, yaml, name or jsonpath=TEMPLATE")
    .addOption(new Option("-f, --filename <file>", "show what these files name").argParser(collect))
    .option("-w, --watch", "then show changes as they happen")
    .option("--watch-only", "show changes only")
    .option("--no-headers", "leave out the heading line")
    .option("--show-labels", "add a column with labels")
    .option("--show-managed-fields", "with json and yaml: keep who set which member")
    .option("--ignore-not-found", "an object that does not exist is no error")
    .action(async (words: string[], options: GetOptions) => {
      const formatter = formatterOf(options.output, { managedFields: options.showManagedFields === true });
      validate(words, options);
      const client = await connect(cli, command);
      const targets = await placeTargets(cli, client, words, options);
      if (options.watch === true || options.watchOnly === true)
        await watchOne(cli, client, { targets, options, formatter });
      else if (formatter !== undefined || options.output === "name")
        await printObjects(cli, client, { targets, options, formatter });
      else await printTables(cli, client, { targets, options });
    });
}

function validate(words: readonly string[], options: GetOptions): void {
  const hint = "For example: vctl get vs, vctl get nodes,vs -o wide, vctl get vs/web";
  if (words.length === 0 && options.filename === undefined)
    throw usageError("you must specify the type of resource to get", hint);
  if (words.length > 0 && options.filename !== undefined)
    throw usageError("when files are given as arguments, resource arguments may not be");
  const names = words.length > 1 || words.some((word) => word.includes("/"));
  if (names && (options.selector !== undefined || options.fieldSelector !== undefined)) {
    throw usageError("selectors may not be used when names are given");
  }
  if (names && options.allNamespaces === true)
    throw usageError("a resource cannot be retrieved by name across all namespaces");
}

async function placeTargets(
  cli: Cli,
  client: ApiClient,
  words: readonly string[],
  options: GetOptions,
): Promise<Placed[]> {
  if (options.filename === undefined) {
    const targets = await resolveArguments(words, client);
    return targets.map((target) => ({ ...target, namespace: namespaceOf(client, target.type, options) }));
  }
  const placed: Placed[] = [];
  for (const { object } of await readManifests(cli, options.filename)) {
    const type = await resolveManifestType(object.apiVersion, object.kind, client);
    const namespace = type.namespaced ? (object.metadata.namespace ?? client.namespace) : undefined;
    placed.push({ type, namespace, ...(object.metadata.name === undefined ? {} : { name: object.metadata.name }) });
  }
  return placed;
}

interface Request {
  targets: readonly Placed[];
  options: GetOptions;
  formatter?: Formatter | undefined;
}

async function watchOne(cli: Cli, client: ApiClient, { targets, options, formatter }: Request): Promise<void> {
  const [target] = targets;
  if (target === undefined || targets.length > 1)
    throw usageError("you may only specify a single resource type or a single name with --watch");
  await watchObjects(cli, client, {
    target,
    output: options.output,
    formatter,
    query: target.name === undefined ? selectionQuery(options) : { fieldSelector: `metadata.name=${target.name}` },
    skipFirst: options.watchOnly === true,
    table: {
      ...tableOptions(cli, options),
      namespaces: options.allNamespaces === true && target.type.namespaced,
      namePrefix: "",
    },
  });
}

async function printObjects(cli: Cli, client: ApiClient, { targets, options, formatter }: Request): Promise<void> {
  const found: { type: ResourceType; object: AnyObject }[] = [];
  await eachTarget(cli, targets, options, async ({ type, name, namespace }) => {
    const objects =
      name === undefined
        ? (await listObjects(client, type, { namespace, query: selectionQuery(options) })).items
        : [await getObject(client, type, { namespace, name })];
    found.push(...objects.map((object) => ({ type, object })));
  });
  if (formatter === undefined) {
    for (const { type, object } of found) print(cli.output, objectName(type, object.metadata.name));
    return;
  }
  const [only] = found;
  const isOneObject = targets.length === 1 && targets[0]?.name !== undefined;
  if (isOneObject && only === undefined) return; // the error has been printed, or is ignored
  const text = formatter(isOneObject && only !== undefined ? only.object : listOf(found.map(({ object }) => object)));
  // Templates say themselves where lines end.
  if (options.output?.startsWith("jsonpath=") === true) cli.output.write(text);
  else print(cli.output, text);
}

async function printTables(cli: Cli, client: ApiClient, { targets, options }: Request): Promise<void> {
  const byType = new Map<ResourceType, Table>();
  await eachTarget(cli, targets, options, async ({ type, name, namespace }) => {
    const query = name === undefined ? selectionQuery(options) : {};
    const table = await fetchTable(client, { path: pathOf(type, { namespace, name }), query });
    const previous = byType.get(type);
    byType.set(
      type,
      previous === undefined ? table : { ...previous, rows: [...(previous.rows ?? []), ...(table.rows ?? [])] },
    );
  });
  const several = new Set(targets.map(({ type }) => type)).size > 1;
  const filled = [...byType].filter(([, table]) => (table.rows ?? []).length > 0);
  for (const [index, [type, table]] of filled.entries()) {
    if (index > 0) print(cli.output, "");
    const printer = new TablePrinter({
      ...tableOptions(cli, options),
      namespaces: options.allNamespaces === true && type.namespaced,
      namePrefix: several ? `${qualifiedSingular(type)}/` : "",
    });
    for (const line of printer.lines(table)) print(cli.output, line);
  }
  if (filled.length > 0 || cli.exitCode !== 0 || options.ignoreNotFound === true) return;
  const inNamespace = options.allNamespaces !== true && targets.some(({ type }) => type.namespaced);
  print(cli.error, inNamespace ? `No resources found in ${client.namespace} namespace.` : "No resources found");
}

/** Every target, so that one which fails does not hide the others. */
async function eachTarget(
  cli: Cli,
  targets: readonly Placed[],
  options: GetOptions,
  act: (target: Placed) => Promise<void>,
): Promise<void> {
  for (const target of targets) {
    try {
      await act(target);
    } catch (thrown) {
      if (options.ignoreNotFound === true && isNotFound(thrown)) continue;
      if (target.name === undefined || !isNotFound(thrown)) throw thrown;
      printError(cli, thrown);
      cli.exitCode = 1;
    }
  }
}

/** All pages as one table. */
async function fetchTable(
  client: ApiClient,
  { path, query }: { path: string; query: Record<string, string | undefined> },
): Promise<Table> {
  let whole: Table | undefined;
  let next: string | undefined;
  do {
    const page = tableSchema.parse(
      await client.json({ path, query: { ...query, limit: 500, continue: next }, accept: tableAccept }),
    );
    whole = whole === undefined ? page : { ...whole, rows: [...(whole.rows ?? []), ...(page.rows ?? [])] };
    next = page.metadata.continue;
  } while (next !== undefined && next !== "");
  return whole;
}

function tableOptions(cli: Cli, options: GetOptions) {
  return {
    wide: options.output === "wide",
    headers: options.headers !== false,
    labels: options.showLabels === true,
    nowMs: cli.environment.nowMs(),
  };
}
