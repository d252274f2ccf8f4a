import { drainKind, drainSchema } from "@vfleet/shared";
import type { ApiClient } from "../api/api-client.ts";
import { followObject } from "../api/follow.ts";
import { type AnyObject, createObject, deleteObject } from "../api/objects.ts";
import { type Cli, print } from "../cli.ts";
import { fail } from "../fail.ts";
import { formatColumns } from "../output/columns.ts";
import { planRows, planSummary } from "../output/drain-plan-table.ts";
import { formatterOf } from "../output/format.ts";
import { drainManifest, type DrainWishes } from "./drain-object.ts";

/** Has the server plan a drain, shows the plan, and takes away the object that carried it. */
export async function showPlan(
  cli: Cli,
  client: ApiClient,
  node: string,
  options: DrainWishes & { output?: string; bringBack?: true },
): Promise<void> {
  const what = { dryRun: true as const, ...(options.bringBack === true ? { bringBack: true as const } : {}) };
  const made = await createObject(client, drainKind, { object: drainManifest(node, options, what) });
  const { name } = made.metadata;
  try {
    const planned = await untilPlanned(cli, client, name);
    const formatter = formatterOf(options.output);
    if (formatter !== undefined) {
      print(cli.output, formatter(planned));
      return;
    }
    const { plan, message = "no reason given" } = statusOf(planned);
    if (plan === undefined) throw fail("drain-unplanned", { node, reason: message });
    for (const line of formatColumns(planRows(plan))) print(cli.output, line);
    print(cli.output, `node/${node}: ${planSummary(plan)} (dry run: nothing was changed)`);
  } finally {
    await deleteObject(client, drainKind, { name });
  }
}

async function untilPlanned(cli: Cli, client: ApiClient, name: string): Promise<AnyObject> {
  for await (const drain of followObject(client, drainKind, {
    name,
    signal: cli.signal,
    environment: cli.environment,
  })) {
    if (drain === undefined) break;
    if (statusOf(drain).endedAt !== undefined) return drain;
  }
  throw fail("object-gone", { what: `Drain "${name}"` });
}

function statusOf(drain: AnyObject) {
  return drainSchema.shape.status.parse(drain["status"] ?? {}) ?? {};
}
