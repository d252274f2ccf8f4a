import { writeFileSync } from "node:fs";
import { textTable } from "../text-table.ts";
import type { AgentHosts } from "./agent-hosts.ts";
import { imagesPath, serversPath } from "./api-client.ts";
import { BenchFleet, image } from "./bench-fleet.ts";
import type { ControlPlane } from "./control-plane.ts";
import { coresBetween, usageOf, type ProcessUsage } from "./process-usage.ts";
import type { RecordWatch } from "./record-watch.ts";
import type { ScenarioName } from "./scenarios.ts";
import { checkPlacements, serverOf } from "./scenarios.ts";

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
  /** Until all of them ran, as their agents had said and the store had written. */
  runningPerSecond: number;
  /** Processors in use while servers were placed. */
  controllerCores: number;
  natsCores: number;
  agentsCores: number;
  controllerResidentBytes: number;
}

const waitingLimitMs = 300_000;
const placementLimitMs = 300_000;
const runningLimitMs = 300_000;

/** What is measured on. */
interface Bench {
  plane: ControlPlane;
  watch: RecordWatch;
  agents: AgentHosts;
  servers: number;
}

/**
 * Durable placements per second: the real controller, a nats-server that syncs each record, and simulated agents that speak the real
 * protocol, which are told of each server and say that it runs. Times are the store's own, of the records that it has written.
 */
export async function benchmarkScheduler(options: SchedulerBenchmark): Promise<SchedulerRow[]> {
  const rows: SchedulerRow[] = [];
  for (const scenario of options.scenarios) {
    const row = await measure(scenario, options);
    process.stderr.write(`${JSON.stringify(row)}\n`);
    rows.push(row);
    // What was measured is kept, whatever becomes of the next.
    if (options.jsonFile !== undefined) writeFileSync(options.jsonFile, `${JSON.stringify(rows, null, 2)}\n`);
  }
  process.stdout.write(`${tableOf(rows)}\n`);
  return rows;
}

async function measure(scenario: ScenarioName, options: SchedulerBenchmark): Promise<SchedulerRow> {
  const { nodes, servers, profileFolder } = options;
  return BenchFleet.with(scenario, { profileFolder }, async (fleet) => {
    const { plane, watch } = fleet;
    const bench: Bench = { plane, watch, agents: await fleet.join(nodes), servers };
    const measured = scenario === "churn" ? await churn(bench) : await burst(bench, scenario);
    const placed = [...watch.servers.values()].filter(({ server }) => server.metadata.deletionTimestamp === undefined);
    if (placed.length !== servers) throw new Error(`${placed.length} servers instead of ${servers}`);
    checkPlacements(scenario, watch.nodes, placed);
    const { residentBytes } = plane.usage().controller;
    return { scenario, nodes, servers, ...measured, controllerResidentBytes: residentBytes };
  });
}

type Measured = Omit<SchedulerRow, "scenario" | "nodes" | "servers" | "controllerResidentBytes">;

/** All servers wait, and can be placed at one moment: when their image is ready. */
async function burst(bench: Bench, scenario: ScenarioName): Promise<Measured> {
  const { plane, watch, servers } = bench;
  await createServers(bench, scenario);
  const before = usageOfAll(bench);
  await plane.api.create(imagesPath, { ...image, spec: { source: { debootstrap: {} } } });
  await watch.until("servers are bound", placementLimitMs, () => watch.bound === servers);
  const after = usageOfAll(bench);
  await watch.until("servers run", runningLimitMs, () => watch.running === servers);
  const readyAtMs = watch.readyAtMs(image.metadata.name);
  const bound = [...watch.servers.values()];
  const times = bound.map(({ boundAtMs = Number.NaN }) => boundAtMs - readyAtMs);
  const runningMs = Math.max(...bound.map(({ runningAtMs = Number.NaN }) => runningAtMs - readyAtMs));
  return measuredOf({ times, seconds: Math.max(...times) / 1000, runningSeconds: runningMs / 1000 }, before, after);
}

/** A tenth of them is deleted and made anew, one for one, through the API. */
async function churn(bench: Bench): Promise<Measured> {
  const { plane, watch, servers } = bench;
  await burst(bench, "churn");
  const names = Array.from({ length: Math.ceil(servers / 10) }, (_, number) => number);
  const boundBefore = watch.bound;
  const before = usageOfAll(bench);
  await plane.api.each(names, async (number) => {
    await plane.api.delete(`${serversPath}/vs-${number}`);
    await plane.api.create(serversPath, serverOf("churn", `new-${number}`, number));
  });
  await watch.until("new servers are bound", placementLimitMs, () => watch.bound === boundBefore + names.length);
  const after = usageOfAll(bench);
  await watch.until("all run, the old ones are gone", runningLimitMs, () => {
    return watch.running === servers && watch.servers.size === servers;
  });
  const fresh = names.flatMap((number) => watch.servers.get(`new-${number}`) ?? []);
  const times = fresh.map(({ createdAtMs, boundAtMs = Number.NaN }) => boundAtMs - createdAtMs);
  const first = Math.min(...fresh.map(({ createdAtMs }) => createdAtMs));
  const last = Math.max(...fresh.map(({ boundAtMs = Number.NaN }) => boundAtMs));
  const lastRunning = Math.max(...fresh.map(({ runningAtMs = Number.NaN }) => runningAtMs));
  const seconds = { seconds: (last - first) / 1000, runningSeconds: (lastRunning - first) / 1000 };
  return measuredOf({ times, ...seconds }, before, after);
}

function measuredOf(
  { times, seconds, runningSeconds }: { times: readonly number[]; seconds: number; runningSeconds: number },
  before: Usages,
  after: Usages,
): Measured {
  const { controller = Number.NaN, nats = Number.NaN, agents = Number.NaN } = coresBetween(before, after, seconds);
  return {
    placementsPerSecond: Math.round(times.length / seconds),
    p99Ms: Math.round(times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? Number.NaN),
    runningPerSecond: Math.round(times.length / runningSeconds),
    controllerCores: controller,
    natsCores: nats,
    agentsCores: agents,
  };
}

type Usages = Record<"controller" | "nats" | "agents", ProcessUsage>;

function usageOfAll({ plane, agents }: Bench): Usages {
  return { ...plane.usage(), agents: usageOf(agents.pids[0] ?? 0) };
}

/** Until each has been looked at: what comes then is placement alone. */
async function createServers({ plane, watch, servers }: Bench, scenario: ScenarioName): Promise<void> {
  const numbers = Array.from({ length: servers }, (_, number) => number);
  await plane.api.each(numbers, (number) => plane.api.create(serversPath, serverOf(scenario, `vs-${number}`, number)));
  const isWaiting = () => watch.servers.values().every(({ server }) => server.status?.reason === "ImageNotFound");
  const deadline = performance.now() + waitingLimitMs;
  while (!(watch.servers.size === servers && isWaiting())) {
    if (performance.now() > deadline) throw new Error(`servers do not wait for their image after ${waitingLimitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function tableOf(rows: readonly SchedulerRow[]): string {
  const titles = "scenario,nodes,servers,placements/s,p99,running/s,cores: controller,nats,agents,controller memory";
  return textTable(
    titles.split(","),
    rows.map((row) => [
      row.scenario,
      String(row.nodes),
      String(row.servers),
      String(row.placementsPerSecond),
      `${row.p99Ms} ms`,
      String(row.runningPerSecond),
      String(row.controllerCores),
      String(row.natsCores),
      String(row.agentsCores),
      `${Math.round(row.controllerResidentBytes / 2 ** 20)} MiB`,
    ]),
  );
}
