import { writeFileSync } from "node:fs";
import { SimulatedAgent } from "@vfleet/controller/simulated-agent";
import { textTable } from "../text-table.ts";
import { imagesPath, serversPath } from "./api-client.ts";
import { ControlPlane } from "./control-plane.ts";
import { RecordWatch } from "./record-watch.ts";
import type { ScenarioName } from "./scenarios.ts";
import { checkPlacements, serverOf, zones } from "./scenarios.ts";

export interface SchedulerBenchmark {
  nodes: number;
  servers: number;
  scenarios: readonly ScenarioName[];
  jsonFile: string | undefined;
  /** For CPU profiles of the controller. */
  profileFolder: string | undefined;
}

interface SchedulerRow {
  scenario: ScenarioName;
  nodes: number;
  servers: number;
  placementsPerSecond: number;
  p99Ms: number;
  /** Of the controller: processors in use while it placed, and memory at the end. */
  controllerCores: number;
  controllerResidentBytes: number;
}

const image = { apiVersion: "vfleet.dev/v1", kind: "Image", metadata: { name: "debian" } };
const nodesLimitMs = 120_000;
const placementLimitMs = 600_000;
/** As the real agent's. */
const reportEveryMs = 2_000;

/**
 * Durable placements per second: the real controller, a nats-server that syncs each record, and simulated agents that speak the real
 * protocol, which are told of each server and say that it runs. Times are the store's own, of the records that it has written.
 */
export async function benchmarkScheduler(options: SchedulerBenchmark): Promise<SchedulerRow[]> {
  const rows: SchedulerRow[] = [];
  // By themselves signals end the program without its exit handlers, which end what it started.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
  for (const scenario of options.scenarios) {
    const row = await measure(scenario, options);
    process.stderr.write(`${JSON.stringify(row)}\n`);
    rows.push(row);
  }
  if (options.jsonFile !== undefined) writeFileSync(options.jsonFile, `${JSON.stringify(rows, null, 2)}\n`);
  process.stdout.write(`${tableOf(rows)}\n`);
  return rows;
}

async function measure(scenario: ScenarioName, options: SchedulerBenchmark): Promise<SchedulerRow> {
  const plane = await ControlPlane.start(options.profileFolder);
  const agents = new Map<string, SimulatedAgent>();
  try {
    const connection = await plane.connectNats();
    const watch = new RecordWatch();
    await watch.start(connection);
    for (let number = 0; number < options.nodes; number++) {
      const labels = { zone: `zone-${number % zones}` };
      new SimulatedAgent({
        name: `host-${number}`,
        connection,
        peers: agents,
        labels,
        reportEveryMs,
        keepsMap: false,
      }).start();
    }
    await watch.until("nodes are ready", nodesLimitMs, () => watch.nodes.size === options.nodes);
    const { times, seconds, cores } =
      scenario === "churn" ? await churn(plane, watch, options) : await burst(plane, watch, { scenario, ...options });
    const placed = [...watch.servers.values()].filter(({ server }) => server.metadata.deletionTimestamp === undefined);
    if (placed.length !== options.servers) throw new Error(`${placed.length} servers instead of ${options.servers}`);
    checkPlacements(scenario, watch.nodes, placed);
    await connection.close();
    return {
      scenario,
      nodes: options.nodes,
      servers: options.servers,
      placementsPerSecond: Math.round(times.length / seconds),
      p99Ms: Math.round(times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? Number.NaN),
      controllerCores: cores,
      controllerResidentBytes: plane.controllerUsage().residentBytes,
    };
  } finally {
    for (const agent of agents.values()) agent.stop();
    await plane.stop();
  }
}

interface Measured {
  /** Of each placement, milliseconds from when it could be made. */
  times: number[];
  seconds: number;
  cores: number;
}

/** All servers wait, and can be placed at one moment: when their image is ready. */
async function burst(
  plane: ControlPlane,
  watch: RecordWatch,
  { scenario, servers }: { scenario: ScenarioName; servers: number },
): Promise<Measured> {
  await createServers(plane, watch, { scenario, servers });
  const before = plane.controllerUsage().cpuSeconds;
  await plane.api.create(imagesPath, { ...image, spec: { source: { debootstrap: {} } } });
  await watch.until("servers are bound", placementLimitMs, () => watch.bound === servers);
  const cpuSeconds = plane.controllerUsage().cpuSeconds - before;
  const readyAtMs = watch.readyAtMs(image.metadata.name);
  const times = [...watch.servers.values()].map(({ boundAtMs = Number.NaN }) => boundAtMs - readyAtMs);
  const seconds = Math.max(...times) / 1000;
  return { times, seconds, cores: Math.round((cpuSeconds / seconds) * 100) / 100 };
}

/** A tenth of them is deleted and made anew, one for one, through the API. */
async function churn(plane: ControlPlane, watch: RecordWatch, { servers }: { servers: number }): Promise<Measured> {
  await burst(plane, watch, { scenario: "churn", servers });
  const names = Array.from({ length: Math.ceil(servers / 10) }, (_, number) => number);
  const boundBefore = watch.bound;
  const before = plane.controllerUsage().cpuSeconds;
  await plane.api.each(names, async (number) => {
    await plane.api.delete(`${serversPath}/vs-${number}`);
    await plane.api.create(serversPath, serverOf("churn", `new-${number}`, number));
  });
  await watch.until("new servers are bound", placementLimitMs, () => watch.bound === boundBefore + names.length);
  const fresh = names.flatMap((number) => watch.servers.get(`new-${number}`) ?? []);
  const times = fresh.map(({ createdAtMs, boundAtMs = Number.NaN }) => boundAtMs - createdAtMs);
  const first = Math.min(...fresh.map(({ createdAtMs }) => createdAtMs));
  const last = Math.max(...fresh.map(({ boundAtMs = Number.NaN }) => boundAtMs));
  const cpuSeconds = plane.controllerUsage().cpuSeconds - before;
  const seconds = (last - first) / 1000;
  return { times, seconds, cores: Math.round((cpuSeconds / seconds) * 100) / 100 };
}

/** Until each has been looked at: what comes then is placement alone. */
async function createServers(
  plane: ControlPlane,
  watch: RecordWatch,
  { scenario, servers }: { scenario: ScenarioName; servers: number },
): Promise<void> {
  const numbers = Array.from({ length: servers }, (_, number) => number);
  await plane.api.each(numbers, (number) => plane.api.create(serversPath, serverOf(scenario, `vs-${number}`, number)));
  const isWaiting = () => watch.servers.values().every(({ server }) => server.status?.reason === "ImageNotFound");
  while (!(watch.servers.size === servers && isWaiting())) await new Promise((resolve) => setTimeout(resolve, 100));
}

function tableOf(rows: readonly SchedulerRow[]): string {
  const headings = ["scenario", "nodes", "servers", "placements/s", "p99", "controller: cores", "memory"];
  return textTable(
    headings,
    rows.map((row) => [
      row.scenario,
      String(row.nodes),
      String(row.servers),
      String(row.placementsPerSecond),
      `${row.p99Ms} ms`,
      String(row.controllerCores),
      `${Math.round(row.controllerResidentBytes / 2 ** 20)} MiB`,
    ]),
  );
}
