import { nodeKind, nodeSchema, parseBytes, parseMilliCpu, pressureSchema, virtualServerKind } from "@vfleet/shared";
import type { Command } from "commander";
import { z } from "zod";
import type { ApiClient } from "../api/api-client.ts";
import { connect } from "../api/connect.ts";
import { listObjects } from "../api/objects.ts";
import { type Cli, print } from "../cli.ts";
import { usageError } from "../fail.ts";
import { formatColumns } from "../output/columns.ts";
import { pressureCells, pressureHeaders } from "../output/pressure-cells.ts";

interface TopOptions {
  allNamespaces?: boolean;
  selector?: string;
  headers?: boolean;
  sortBy?: string;
}

const metricsSchema = z.looseObject({
  items: z.array(
    z.looseObject({
      metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }),
      usage: z.looseObject({ cpu: z.string(), memory: z.string() }),
      pressure: pressureSchema.optional().catch(undefined),
    }),
  ),
});
const limitsSchema = z.looseObject({
  resources: z.looseObject({ limits: z.looseObject({ cpu: z.string().optional(), memory: z.string() }) }),
});
type Metrics = z.infer<typeof metricsSchema>["items"][number];
type Row = { cells: string[]; milliCpu: number; memoryBytes: number };

const nodeWords = ["node", "nodes", "no"];
const serverWords = ["server", "servers", "vs", "virtualserver", "virtualservers"];

export function configureTop(command: Command, cli: Cli): void {
  command
    .argument("<what>", "nodes or servers")
    .argument("[name]")
    .option("-A, --all-namespaces", "in all namespaces")
    .option("-l, --selector <query>", "only those with these labels")
    .option("--sort-by <column>", "cpu or memory, largest first")
    .option("--no-headers", "leave out the heading line")
    .action(async (what: string, name: string | undefined, options: TopOptions) => {
      if (options.sortBy !== undefined && !["cpu", "memory"].includes(options.sortBy))
        throw usageError("--sort-by accepts only cpu or memory");
      const client = await connect(cli, command);
      if (nodeWords.includes(what)) await topNodes(cli, client, name, options);
      else if (serverWords.includes(what)) await topServers(cli, client, name, options);
      else throw usageError(`unknown command "${what}" for "vctl top"`, "vctl top nodes, or vctl top servers");
    });
}

async function topNodes(cli: Cli, client: ApiClient, name: string | undefined, options: TopOptions): Promise<void> {
  const items = await metrics(client, "/apis/metrics.k8s.io/v1beta1/nodes", { name, options });
  const { items: nodes } = await listObjects(client, nodeKind, { query: { labelSelector: options.selector } });
  const allocatable = new Map(
    nodes.map((node) => [node.metadata.name, nodeSchema.shape.status.parse(node["status"] ?? {})?.allocatable]),
  );
  const rows = items.map((item): Row => {
    const usage = readUsage(item);
    const of = allocatable.get(item.metadata.name);
    const cpu = [
      `${usage.milliCpu}m`,
      share(usage.milliCpu, of?.["cpu"] === undefined ? undefined : parseMilliCpu(of["cpu"])),
    ];
    const memory = [
      mebibytes(usage.memoryBytes),
      share(usage.memoryBytes, of?.["memory"] === undefined ? undefined : parseBytes(of["memory"])),
    ];
    return { ...usage, cells: [item.metadata.name, ...cpu, ...memory, ...pressureCells(item.pressure)] };
  });
  show(cli, ["NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)", ...pressureHeaders], rows, options);
}

async function topServers(cli: Cli, client: ApiClient, name: string | undefined, options: TopOptions): Promise<void> {
  const folder = options.allNamespaces === true ? "" : `/namespaces/${encodeURIComponent(client.namespace)}`;
  const items = await metrics(client, `/apis/metrics.vfleet.dev/v1${folder}/virtualservers`, { name, options });
  const query = { labelSelector: options.selector };
  const namespace = options.allNamespaces === true ? undefined : client.namespace;
  const { items: servers } = await listObjects(client, virtualServerKind, { namespace, query });
  const limits = new Map(
    servers.map((server) => [
      `${server.metadata.namespace ?? ""}/${server.metadata.name}`,
      limitsSchema.parse(server["spec"]).resources.limits,
    ]),
  );
  const rows = items.map((item): Row => {
    const usage = readUsage(item);
    const place = options.allNamespaces === true ? [item.metadata.namespace ?? ""] : [];
    const of = limits.get(`${item.metadata.namespace ?? ""}/${item.metadata.name}`);
    const cpu = [
      `${usage.milliCpu}m`,
      share(usage.milliCpu, of?.cpu === undefined ? undefined : parseMilliCpu(of.cpu), "<none>"),
    ];
    const memory = [
      mebibytes(usage.memoryBytes),
      share(usage.memoryBytes, of === undefined ? undefined : parseBytes(of.memory)),
    ];
    const cells = [...place, item.metadata.name, ...cpu, ...memory, ...pressureCells(item.pressure)];
    return { ...usage, cells };
  });
  const headers = [...(options.allNamespaces === true ? ["NAMESPACE"] : []), "NAME"];
  const columns = ["CPU(cores)", "CPU(% of limit)", "MEMORY(bytes)", "MEMORY(% of limit)"];
  show(cli, [...headers, ...columns, ...pressureHeaders], rows, options);
}

async function metrics(
  client: ApiClient,
  path: string,
  { name, options }: { name: string | undefined; options: TopOptions },
): Promise<Metrics[]> {
  const { items } = metricsSchema.parse(await client.json({ path, query: { labelSelector: options.selector } }));
  const wanted = items.filter((item) => name === undefined || item.metadata.name === name);
  if (name !== undefined && wanted.length === 0)
    throw usageError(
      `metrics not available yet for "${name}"`,
      "They are measured every few seconds; see also: vctl get",
    );
  return wanted;
}

function show(cli: Cli, headers: string[], rows: readonly Row[], options: TopOptions): void {
  if (rows.length === 0) {
    print(cli.error, "No resources found");
    return;
  }
  const order =
    options.sortBy === "cpu"
      ? (row: Row) => row.milliCpu
      : options.sortBy === "memory"
        ? (row: Row) => row.memoryBytes
        : undefined;
  const sorted =
    order === undefined
      ? rows.toSorted((a, b) => a.cells.join().localeCompare(b.cells.join()))
      : rows.toSorted((a, b) => order(b) - order(a));
  for (const line of formatColumns([
    ...(options.headers !== false ? [headers] : []),
    ...sorted.map((row) => row.cells),
  ]))
    print(cli.output, line);
}

/** Metrics come with the finest units, `n` and `u`, which specs have not. */
export function readUsage({ usage }: Pick<Metrics, "usage">): { milliCpu: number; memoryBytes: number } {
  const fine = /^(\d+(?:\.\d+)?)(n|u)$/.exec(usage.cpu);
  const milliCpu =
    fine === null ? parseMilliCpu(usage.cpu) : Math.ceil(Number(fine[1]) / (fine[2] === "n" ? 1e6 : 1e3));
  return { milliCpu, memoryBytes: parseBytes(usage.memory) };
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)}Mi`;
}

function share(used: number, of: number | undefined, none = "<unknown>"): string {
  return of === undefined || of === 0 ? none : `${Math.floor((used / of) * 100)}%`;
}
