import { writeFileSync } from "node:fs";
import { textTable } from "../text-table.ts";
import { drainsPath } from "./api-client.ts";
import { BenchFleet, nodeName } from "./bench-fleet.ts";

export interface DrainPlanBenchmark {
  nodes: number;
  /** On the node that is drained. */
  servers: number;
  /** On the others. */
  others: number;
  jsonFile: string | undefined;
}

const runs = 5;
const planLimitMs = 60_000;
/** Room for all of them on one node. */
const capacity = { servers: 1000, milliCpu: 256_000, memoryBytes: 2 ** 40 };

/** How long it takes until the plan of a drain is there, from the record that asks for it to the one that has it, by the store's clock. */
export async function benchmarkDrainPlan(options: DrainPlanBenchmark): Promise<void> {
  const { nodes, servers, others, jsonFile } = options;
  const times = await BenchFleet.with("drain-plan", { capacity }, (fleet) => measure(fleet, options));
  const sorted = times.toSorted((a, b) => a - b);
  const [medianMs = Number.NaN, worstMs = Number.NaN] = [sorted[Math.floor(runs / 2)], sorted.at(-1)];
  const row = { scenario: "drain-plan", nodes, servers, others, runs, medianMs, worstMs };
  if (jsonFile !== undefined) writeFileSync(jsonFile, `${JSON.stringify([row], null, 2)}\n`);
  const headings = "nodes,servers on it,on others,plan: median,worst of 5".split(",");
  const cells = [String(nodes), String(servers), String(others), `${medianMs} ms`, `${worstMs} ms`];
  process.stdout.write(`${textTable(headings, [cells])}\n`);
}

async function measure(fleet: BenchFleet, { nodes, servers, others }: DrainPlanBenchmark): Promise<number[]> {
  const { plane, watch } = fleet;
  // While it is the only one, they all go there.
  await fleet.join(1);
  await fleet.makeImage();
  await fleet.makeServers(Array.from({ length: servers }, () => ({})));
  await fleet.join(nodes - 1);
  await fleet.makeServers(Array.from({ length: others }, () => ({})));
  const node = nodeName(0);
  const there = [...watch.servers.values()].filter(({ nodes }) => nodes.has(node)).length;
  const times: number[] = [];
  for (let run = 0; run < runs; run++) {
    const name = `plan-${run}`;
    const drain = { apiVersion: "vfleet.dev/v1", kind: "Drain", metadata: { name }, spec: { node, dryRun: true } };
    await plane.api.create(drainsPath, drain);
    await watch.until("the plan", planLimitMs, () => watch.drains.get(name)?.plannedAtMs !== undefined);
    const seen = watch.drains.get(name);
    const moves = seen?.drain.status?.plan?.servers.length ?? 0;
    if (moves !== there || there < servers) throw new Error(`the plan has ${moves} servers, there are ${there}`);
    times.push(Math.round((seen?.plannedAtMs ?? Number.NaN) - (seen?.createdAtMs ?? Number.NaN)));
  }
  return times;
}
