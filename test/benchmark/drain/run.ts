import { readFileSync, writeFileSync } from "node:fs";
import { type Migration, controllerConfigSchema } from "@vfleet/shared";
import type { EventProgram } from "../../../deploy/load/event-program.ts";
import { Fleet } from "../../fleet/fleet.ts";
import { until } from "../../fleet/program.ts";
import { labVerbs } from "../lab-verbs.ts";
import { type ClientView, type DrainRow, type DrainSample, rowOf, tableOf } from "./drain-row.ts";

export interface DrainBenchmark {
  servers: number;
  /** That each holds. */
  dataMiB: number;
  /** Moves at once; each is a row. */
  parallel: readonly number[];
  lab: string;
  jsonFile: string | undefined;
}

interface Server {
  name: string;
  address: string;
}

const source = "host-1";
const others = ["host-2", "host-3"];
/** Between two requests of a client: what a pause is measured to, and little load even of twenty clients. */
const clientEveryMs = 10;
const settleMs = 30_000;

/**
 * A host of servers, each under a client of its own from outside, is drained, and gets them back for the next row. The clients tell what a
 * drain costs those who use the servers: none may lose its connection or a write.
 */
export async function benchmarkDrain(options: DrainBenchmark): Promise<DrainRow[]> {
  const labDoes = labVerbs(options.lab);
  say("bringing up a lab of three hosts");
  await labDoes("down");
  await labDoes("up", "--hosts", "3");
  try {
    const fleet = await Fleet.open(options.lab);
    await allowMoves(fleet, Math.max(...options.parallel));
    await fleet.haveImage();
    const servers = await haveServers(fleet, options);
    const rows: DrainRow[] = [];
    for (const [index, maxParallel] of options.parallel.entries()) {
      if (index > 0) await fleet.does("uncordon", source, "--bring-back", "--max-parallel", String(maxParallel));
      const sample = await drainOnce(fleet, servers, { ...options, maxParallel });
      const row = rowOf({ residentMiB: options.dataMiB, maxParallel }, sample);
      say(JSON.stringify(row));
      rows.push(row);
      if (options.jsonFile !== undefined) writeFileSync(options.jsonFile, `${JSON.stringify(rows, null, 2)}\n`);
    }
    process.stdout.write(`${tableOf(rows)}\n`);
    const lossy = rows.filter(({ lostWrites, lostConnections }) => lostWrites + lostConnections > 0);
    if (lossy.length > 0) throw new Error(`Clients lost writes or connections: ${JSON.stringify(lossy)}`);
    return rows;
  } finally {
    await labDoes("down");
  }
}

/** The fleet's own limits would hold a drain back below the moves at once that are compared. */
async function allowMoves(fleet: Fleet, count: number): Promise<void> {
  const file = `${fleet.labFolder}/control/config.json`;
  const config = controllerConfigSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  config.migration.parallelPerFleet = Math.max(config.migration.parallelPerFleet, count);
  config.migration.parallelOutboundPerNode = Math.max(config.migration.parallelOutboundPerNode, count);
  writeFileSync(file, `${JSON.stringify(config, undefined, 2)}\n`);
  await fleet.lab("restart-program", "control", "controller");
  await until("the controller to be back", settleMs, async () =>
    (await fleet.vctl("wait", "nodes", "--all", "--for=condition=Ready", "--timeout=10s")).code === 0
      ? true
      : undefined,
  );
}

/** All on one host; every other one has the image, so that no move sends it. */
async function haveServers(fleet: Fleet, { servers, dataMiB }: DrainBenchmark): Promise<Server[]> {
  const limit = `${Math.ceil(dataMiB * 1.5) + 64}Mi`;
  const resources = ["--memory", limit, "--request-memory", limit, "--request-cpu", "10m"];
  for (const host of others) {
    await onlyOpen(fleet, host);
    await fleet.haveRedis("first", ...resources);
    await fleet.remove("first");
  }
  await onlyOpen(fleet, source);
  const made: Server[] = [];
  for (let number = 1; number <= servers; number++) {
    const name = `redis-${number}`;
    const { node, address } = await fleet.haveRedis(name, ...resources);
    if (node !== source) throw new Error(`${name} is on ${node}`);
    made.push({ name, address });
  }
  for (const host of others) await fleet.does("uncordon", host);
  return made;
}

async function onlyOpen(fleet: Fleet, host: string): Promise<void> {
  for (const other of [source, ...others]) await fleet.does(other === host ? "uncordon" : "cordon", other);
}

async function drainOnce(
  fleet: Fleet,
  servers: readonly Server[],
  { dataMiB, maxParallel }: { dataMiB: number; maxParallel: number },
): Promise<DrainSample> {
  const clients: EventProgram[] = [];
  try {
    for (const { name, address } of servers) {
      await fleet.untilAnswers(name, address);
      say(`filling ${name}`);
      const client = fleet.counter(address, dataMiB, ["--every-ms", String(clientEveryMs), "--max-seconds", "1200"]);
      clients.push(client);
      await client.event("counting");
    }
    say(`draining ${source}, ${maxParallel} at once`);
    const earlier = new Set((await fleet.list<Migration>("migrations")).map(({ metadata }) => metadata.uid));
    const started = performance.now();
    await fleet.does("drain", source, "--max-parallel", String(maxParallel));
    const wallMs = performance.now() - started;
    const moves = (await fleet.list<Migration>("migrations")).filter(({ metadata }) => !earlier.has(metadata.uid));
    const succeeded = moves.filter(({ status }) => status?.phase === "Succeeded");
    if (succeeded.length !== servers.length || moves.length !== succeeded.length)
      throw new Error(`${succeeded.length} of ${moves.length} moves of ${servers.length} servers succeeded`);
    const seen: ClientView[] = [];
    for (const client of clients) seen.push(viewOf(await client.finish()));
    return { wallMs, hostPausesMs: succeeded.map(({ status }) => status?.pauseMs ?? Number.NaN), clients: seen };
  } finally {
    for (const client of clients) client.kill();
  }
}

function viewOf(result: Record<string, unknown>): ClientView {
  return {
    pauseMs: Number(result["longestPauseMs"]),
    requests: Number(result["acknowledged"]),
    lostWrites: Number(result["writesLost"]),
    connectionKept: result["connectionKept"] === true,
  };
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
