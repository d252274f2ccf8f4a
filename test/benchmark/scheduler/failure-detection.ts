import { writeFileSync } from "node:fs";
import { textTable } from "../text-table.ts";
import { BenchFleet, nodeName } from "./bench-fleet.ts";

export interface FailureDetectionBenchmark {
  nodes: number;
  /** On each node that fails. */
  servers: number;
  jsonFile: string | undefined;
}

/** One after the other. */
const failures = 3;
const limitMs = 120_000;
/** The controller's defaults: a node's lease, and the grace after it. */
const leaseAndGraceMs = 30_000;

/** From the moment at which a node fell silent; it had spoken at most 2 s before. */
interface Seen {
  notReadyMs: number;
  /** Until the last of its servers was bound to another node. */
  takenOverMs: number;
}

/** How long after a node's silence the controller says that it isn't ready, and has decided where its servers go on. */
export async function benchmarkFailureDetection(options: FailureDetectionBenchmark): Promise<void> {
  const { nodes, servers, jsonFile } = options;
  const seen = await BenchFleet.with("failure-detection", {}, (fleet) => measure(fleet, options));
  const worst = (what: keyof Seen) => Math.round(Math.max(...seen.map((each) => each[what])));
  const [worstNotReadyMs, worstTakenOverMs] = [worst("notReadyMs"), worst("takenOverMs")];
  const row = { scenario: "failure-detection", nodes, servers, failures, leaseAndGraceMs };
  if (jsonFile !== undefined)
    writeFileSync(jsonFile, `${JSON.stringify([{ ...row, worstNotReadyMs, worstTakenOverMs }], null, 2)}\n`);
  const headings = "nodes,servers on it,not ready: worst of 3,all taken over,lease and grace".split(",");
  const times = [worstNotReadyMs, worstTakenOverMs, leaseAndGraceMs].map((ms) => `${ms} ms`);
  process.stdout.write(`${textTable(headings, [[String(nodes), String(servers), ...times]])}\n`);
}

async function measure(fleet: BenchFleet, { nodes, servers }: FailureDetectionBenchmark): Promise<Seen[]> {
  const { watch } = fleet;
  // While there are no others, they get all servers.
  const failing = await fleet.join(failures);
  await fleet.makeImage();
  const spec = { availability: { onNodeLoss: "Restart" } };
  await fleet.makeServers(Array.from({ length: failures * servers }, () => spec));
  await fleet.join(nodes - failures);
  const seen: Seen[] = [];
  for (const name of Array.from({ length: failures }, (_, number) => nodeName(number))) {
    const here = [...watch.servers.values()].filter(({ server }) => server.status?.nodeName === name);
    if (here.length === 0) throw new Error(`there is no server on ${name}`);
    await failing.silence(name);
    // The store is on this machine: both times are of one clock.
    const silentAtMs = Date.now();
    const isNotReady = () => (watch.readinessAtMs.get(name) ?? 0) > silentAtMs;
    const isTakenOver = () => here.every(({ boundAgainAtMs = 0 }) => boundAgainAtMs > silentAtMs);
    await watch.until(`the servers of ${name} are taken over`, limitMs, () => isNotReady() && isTakenOver());
    seen.push({
      notReadyMs: (watch.readinessAtMs.get(name) ?? Number.NaN) - silentAtMs,
      takenOverMs: Math.max(...here.map(({ boundAgainAtMs = Number.NaN }) => boundAgainAtMs)) - silentAtMs,
    });
  }
  return seen;
}
