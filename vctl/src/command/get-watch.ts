import type { ApiClient, Query } from "../api/api-client.ts";
import { isPassing } from "../api/api-client.ts";
import { type AnyObject, apiObjectSchema } from "../api/objects.ts";
import { StatusError } from "../api/status-error.ts";
import { type Cli, print } from "../cli.ts";
import type { Formatter } from "../output/format.ts";
import { type TableOptions, tableAccept, TablePrinter, tableSchema } from "../output/table.ts";
import type { ResourceTarget } from "../resource/resource-arguments.ts";
import { objectName, pathOf, qualifiedPlural } from "../resource/resource-type.ts";
import { z } from "zod";

export interface WatchOptions {
  target: ResourceTarget & { namespace: string | undefined };
  output: string | undefined;
  formatter: Formatter | undefined;
  query: Query;
  skipFirst: boolean;
  table: TableOptions;
}

const retryMs = 1000;

/** `get -w`: what there is, then each change, until interrupted. A broken connection is taken up again where it broke. */
export async function watchObjects(cli: Cli, client: ApiClient, options: WatchOptions): Promise<void> {
  const { target, query } = options;
  const path = pathOf(target.type, { namespace: target.namespace });
  const accept = options.formatter === undefined && options.output !== "name" ? tableAccept : "application/json";
  const show = shower(cli, options);
  let resourceVersion: string | undefined;
  for (;;) {
    try {
      if (resourceVersion === undefined) {
        const first = await client.json({ path, query, accept, signal: cli.signal });
        const page = pageSchema.parse(first);
        resourceVersion = page.metadata.resourceVersion ?? "";
        const count = (page.items ?? page.rows ?? []).length;
        if (target.name !== undefined && count === 0) throw notFound(target);
        if (!options.skipFirst) show(first);
      }
      const watched = client.watch({
        path,
        query: { ...query, resourceVersion, allowWatchBookmarks: false },
        accept,
        signal: cli.signal,
      });
      for await (const event of watched) {
        show(event.object);
        resourceVersion = versionOf(event.object) ?? resourceVersion;
      }
    } catch (thrown) {
      if (cli.signal.aborted || resourceVersion === undefined || !isPassing(thrown)) throw thrown;
      // Too old to go on from: start from what there is now.
      if (thrown instanceof StatusError && (thrown.code === "Expired" || thrown.code === "Gone"))
        resourceVersion = undefined;
    }
    await cli.environment.sleep(retryMs, cli.signal);
  }
}

const pageSchema = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string().optional() }).prefault({}),
  items: z.array(z.unknown()).nullish(),
  rows: z
    .array(
      z.looseObject({
        object: z.looseObject({ metadata: z.looseObject({ resourceVersion: z.string().optional() }) }).nullish(),
      }),
    )
    .nullish(),
});

function shower(cli: Cli, { target, formatter, output, table }: WatchOptions): (value: unknown) => void {
  if (formatter === undefined && output !== "name") {
    const printer = new TablePrinter(table);
    return (value) => {
      for (const line of printer.lines(tableSchema.parse(value), cli.environment.nowMs())) print(cli.output, line);
    };
  }
  const text = (object: AnyObject) => formatter?.(object) ?? objectName(target.type, object.metadata.name);
  return (value) => {
    const { items } = pageSchema.parse(value);
    const implied = {
      apiVersion: target.type.group === "" ? target.type.version : `${target.type.group}/${target.type.version}`,
      kind: target.type.kind,
    };
    for (const object of items ?? [value])
      print(cli.output, text(apiObjectSchema.parse({ ...implied, ...(object as object) }))); // parsed here
  };
}

function versionOf(value: unknown): string | undefined {
  const page = pageSchema.parse(value);
  return page.rows?.at(-1)?.object?.metadata.resourceVersion ?? page.metadata.resourceVersion;
}

function notFound({ type, name = "" }: WatchOptions["target"]): StatusError {
  return new StatusError(
    { kind: "Status", reason: "NotFound", message: `${qualifiedPlural(type)} "${name}" not found` },
    404,
  );
}
