import { writeFileSync } from "node:fs";
import { isNodeReady } from "@vfleet/shared";
import { textTable } from "../text-table.ts";
import { BenchFleet } from "./bench-fleet.ts";
import { coresBetween } from "./process-usage.ts";

export interface HeartbeatBenchmark {
  nodes: number;
  servers: number;
  jsonFile: string | undefined;
  profileFolder: string | undefined;
}

/** What was written and told when the fleet came up is done with. */
const settleMs = 15_000;
const measuredMs = 30_000;

/** What a fleet in which nothing happens costs its controller: its agents report every 2 s and send samples every 5 s. */
export async function benchmarkHeartbeats(options: HeartbeatBenchmark): Promise<void> {
  const { nodes, servers, jsonFile, profileFolder } = options;
  const fleet = { hasTelemetry: true, profileFolder };
  const row = await BenchFleet.with("heartbeats", fleet, (started) => measure(started, { nodes, servers }));
  if (jsonFile !== undefined) writeFileSync(jsonFile, `${JSON.stringify([row], null, 2)}\n`);
  const headings = "nodes,servers,reports/s,samples/s,controller: cores,memory,nats: cores".split(",");
  const cells = [
    String(nodes),
    String(servers),
    String(row.reportsPerSecond),
    String(row.samplesPerSecond),
    String(row.controllerCores),
    `${Math.round(row.controllerResidentBytes / 2 ** 20)} MiB`,
    String(row.natsCores),
  ];
  process.stdout.write(`${textTable(headings, [cells])}\n`);
}

async function measure(fleet: BenchFleet, { nodes, servers }: { nodes: number; servers: number }) {
  const { plane, watch } = fleet;
  const agents = await fleet.join(nodes, 2);
  if (servers > 0) {
    await fleet.makeImage();
    await fleet.makeServers(Array.from({ length: servers }, () => ({})));
  }
  await sleep(settleMs);
  const sentBefore = await agents.sent();
  const before = plane.usage();
  const startedMs = performance.now();
  await sleep(measuredMs);
  const seconds = (performance.now() - startedMs) / 1000;
  const after = plane.usage();
  const sent = await agents.sent();
  const lost = [...watch.nodes.values()].filter((node) => !isNodeReady(node)).length;
  if (lost > 0) throw new Error(`${lost} of ${nodes} nodes were lost`);
  const { controller = Number.NaN, nats = Number.NaN } = coresBetween(before, after, seconds);
  return {
    scenario: "heartbeats",
    nodes,
    servers,
    reportsPerSecond: Math.round((sent.reports - sentBefore.reports) / seconds),
    samplesPerSecond: Math.round((sent.samples - sentBefore.samples) / seconds),
    controllerCores: controller,
    controllerResidentBytes: after.controller.residentBytes,
    natsCores: nats,
  };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
