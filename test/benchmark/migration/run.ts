import { writeFileSync } from "node:fs";
import { Fleet } from "../../fleet/fleet.ts";
import { run } from "../../fleet/program.ts";
import { labVerbs } from "../lab-verbs.ts";
import { BareHost } from "./bare-host.ts";
import type { Contender, Row } from "./contender.ts";
import { measureOnce, rowOf, type Sample } from "./measure.ts";
import { PlainRunc } from "./plain-runc.ts";
import { Podman } from "./podman.ts";
import { table } from "./table.ts";
import { serverLimitMiB, Vfleet } from "./vfleet.ts";

export interface MigrationBenchmark {
  sizesMiB: readonly number[];
  runs: number;
  systems: readonly string[];
  /** Of vfleet; each is a contender. */
  modes: readonly string[];
  /** What the server holds: `random` or `text`. */
  data: string;
  /** Name of the lab that it is measured in. */
  lab: string;
  jsonFile: string | undefined;
}

/** Of a host, whatever the sizes. */
const leastHostMiB = 4096;

/** A host holds the largest server, its images on a tmpfs beside it, and the agent. */
function hostMiB(sizesMiB: readonly number[]): number {
  const dataMiB = Math.max(...sizesMiB);
  return Math.max(leastHostMiB, serverLimitMiB(dataMiB) + Math.ceil(dataMiB * 1.25) + 512);
}

/**
 * The same redis under the same client, moved by each contender in turn, in one lab: what differs is who moves it.
 * A first round, not counted, touches the machine's memory and fills its caches.
 */
export async function benchmarkMigration(options: MigrationBenchmark): Promise<Row[]> {
  const say = (text: string) => process.stderr.write(`${text}\n`);
  const labDoes = labVerbs(options.lab);
  say("bringing up a lab of two hosts");
  await labDoes("down");
  await labDoes("up", "--hosts", "2", "--memory-per-host", `${hostMiB(options.sizesMiB)}Mi`);
  try {
    const fleet = await Fleet.open(options.lab);
    await fleet.haveImage();
    const hosts = (): [BareHost, BareHost] => [new BareHost(fleet, "host-1"), new BareHost(fleet, "host-2")];
    const all: Contender[] = [...options.modes.map((mode) => new Vfleet(fleet, mode)), new PlainRunc(hosts())];
    if ((await run("sh", ["-c", "command -v podman"])).code === 0) all.push(new Podman(hosts()));
    const contenders = all.filter((contender) => options.systems.includes(contender.system));

    const rows: Row[] = [];
    for (const residentMiB of options.sizesMiB) {
      const samples = new Map<Contender, Sample[]>(contenders.map((contender) => [contender, []]));
      for (let turn = 0; turn <= options.runs; turn++) {
        for (const contender of contenders) {
          const sample = await measureOnce(fleet, contender, { dataMiB: residentMiB, data: options.data });
          if (turn > 0) samples.get(contender)?.push(sample);
          say(
            `${residentMiB} MiB  ${contender.system.padEnd(7)} ${contender.mode.padEnd(24)} ${turn === 0 ? "warm-up" : `run ${turn}`}  pause ${Math.round(sample.pauseMs)} ms  total ${Math.round(sample.totalMs)} ms`,
          );
        }
      }
      for (const [contender, taken] of samples)
        rows.push(rowOf(contender, { dataMiB: residentMiB, data: options.data }, taken));
      if (options.jsonFile !== undefined) writeFileSync(options.jsonFile, `${JSON.stringify(rows, null, 2)}\n`);
    }
    process.stdout.write(`${table(rows)}\n`);
    return rows;
  } finally {
    await labDoes("down");
  }
}
