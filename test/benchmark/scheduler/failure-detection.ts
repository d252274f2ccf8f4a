import { writeFileSync } from "node:fs";
import { textTable } from "../text-table.ts";
import { BenchFleet, nodeName, onNode } from "./bench-fleet.ts";

export interface FailureDetectionBenchmark {
  nodes: number;
  /** On each node that fails. */
  servers: number;
  jsonFile: string | undefined;
}

/** One after the other. */
const failures = 5;
const detectionLimitMs = 60_000;
/** Between two reports of an agent: its last word may be as old when it falls silent. */
const reportEveryMs = 2000;

interface Seen {
  /** From the last moment at which the node could have spoken. */
  notReadyMs: number;
  /** Until the last of its servers was said not to run there any more. */
  serversMs: number;
}

/** How long after a node's silence the controller has decided that it is lost, and what that means for its servers. */
export async function benchmarkFailureDetection(options: FailureDetectionBenchmark): Promise<void> {
  const { nodes, servers, jsonFile } = options;
  const seen = await BenchFleet.with("failure-detection", {}, (fleet) => measure(fleet, options));
  const worst = (what: keyof Seen) => Math.round(Math.max(...seen.map((each) => each[what])));
  const row = {
    scenario: "failure-detection",
    nodes,
    servers,
    failures,
    reportEveryMs,
    worstNotReadyMs: worst("notReadyMs"),
    worstServersMs: worst("serversMs"),
  };
  if (jsonFile !== undefined) writeFileSync(jsonFile, `${JSON.stringify([row], null, 2)}\n`);
  const headings = "nodes,servers on it,not ready: worst of 5,its servers decided on".split(",");
  const cells = [String(nodes), String(servers), `${row.worstNotReadyMs} ms`, `${row.worstServersMs} ms`];
  process.stdout.write(`${textTable(headings, [cells])}\n`);
}

async function measure(fleet: BenchFleet, { nodes, servers }: FailureDetectionBenchmark): Promise<Seen[]> {
  const { watch } = fleet;
  const agents = await fleet.join(nodes);
  await fleet.makeImage();
  const names = Array.from({ length: failures }, (_, number) => nodeName(number));
  await fleet.makeServers(names.flatMap((name) => Array.from({ length: servers }, () => onNode(name))));
  const seen: Seen[] = [];
  for (const name of names) {
    const here = [...watch.servers.values()].filter(({ nodes }) => nodes.has(name));
    await agents.silence(name);
    // The store is on this machine: both times are of one clock.
    const silentAtMs = Date.now();
    const isDecided = () => here.every(({ downAtMs }) => downAtMs !== undefined);
    const isNotReady = () => (watch.readinessAtMs.get(name) ?? 0) > silentAtMs;
    await watch.until(`${name} is given up`, detectionLimitMs, () => isNotReady() && isDecided());
    const serversMs = Math.max(...here.map(({ downAtMs = Number.NaN }) => downAtMs)) - silentAtMs;
    seen.push({ notReadyMs: (watch.readinessAtMs.get(name) ?? Number.NaN) - silentAtMs, serversMs });
  }
  return seen;
}
