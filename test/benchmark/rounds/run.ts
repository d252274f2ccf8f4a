import { writeFileSync } from "node:fs";
import type { MigrationMode, MigrationStatus } from "@vfleet/shared";
import type { Fleet } from "../../fleet/fleet.ts";
import { root } from "../../fleet/paths.ts";
import { run } from "../../fleet/program.ts";
import { haveSmallRedis, moveOptions, openVmFleet, vmLab } from "../../vm/vm-fleet.ts";
import { median } from "../statistics.ts";
import { textTable } from "../text-table.ts";

export interface RoundsBenchmark {
  residentMiB: number;
  /** That the client writes each second. */
  writeMiB: number;
  runs: number;
  modes: readonly MigrationMode[];
  jsonFile: string | undefined;
}

interface Sample {
  pauseMs: number;
  /** Freeze to running, as the source measured it. */
  hostPauseMs: number;
  totalMs: number;
  rounds: number;
  memoryBytes: number;
  /** What was left for the freeze, or for post-copy. */
  finalBytes: number;
}

interface RoundsRow {
  mode: MigrationMode;
  residentMiB: number;
  writeMiB: number;
  runs: number;
  pauseMsMedian: number;
  hostPauseMsMedian: number;
  totalMsMedian: number;
  roundsMedian: number;
  memoryBytesMedian: number;
  finalBytesMedian: number;
}

const server = "rounds";
/** A server's memory limit beside its data. */
const spareMiB = 256;
const mebibyte = 2 ** 20;

/**
 * Moves with and without rounds of memory, in turn, between virtual machines: only their kernel tracks dirty pages. Every instruction is
 * emulated there, so that processes take seconds to start: what counts is one mode against the other, and the share of memory that is left.
 */
export async function benchmarkRounds(options: RoundsBenchmark): Promise<RoundsRow[]> {
  const lab = (...args: string[]) => run(process.execPath, [`${root}deploy/lab/main.ts`, ...args, "--name", vmLab]);
  process.stderr.write("bringing up a lab of two virtual machines\n");
  const brought = await lab("up", "--vm", "--hosts", "2");
  if (brought.code !== 0) throw new Error(brought.stderr);
  try {
    const fleet = await openVmFleet();
    const samples = new Map<MigrationMode, Sample[]>(options.modes.map((mode) => [mode, []]));
    for (let turn = 1; turn <= options.runs; turn++) {
      for (const [mode, taken] of samples) {
        const sample = await moveOnce(fleet, mode, options);
        taken.push(sample);
        process.stderr.write(`${mode.padEnd(12)} run ${turn}  ${JSON.stringify(sample)}\n`);
      }
    }
    const rows = [...samples].map(([mode, taken]) => rowOf(mode, options, taken));
    if (options.jsonFile !== undefined) writeFileSync(options.jsonFile, `${JSON.stringify(rows, null, 2)}\n`);
    process.stdout.write(`${tableOf(rows)}\n`);
    return rows;
  } finally {
    await lab("down");
  }
}

async function moveOnce(fleet: Fleet, mode: MigrationMode, load: RoundsBenchmark): Promise<Sample> {
  const { node, address } = await haveSmallRedis(fleet, server, load.residentMiB + spareMiB);
  const counter = fleet.counter(address, load.residentMiB, [
    "--write-mib",
    String(load.writeMiB),
    "--max-seconds",
    "1800",
  ]);
  try {
    await counter.event("counting");
    await fleet.does("migrate", server, "--to", await fleet.otherNode(node), ...moveOptions(mode));
    const status: MigrationStatus = (await fleet.migrationsOf(server)).at(-1)?.status ?? {};
    const seen = await counter.finish();
    if (seen["connectionKept"] !== true || seen["writesLost"] !== 0) throw new Error(JSON.stringify(seen));
    const { rounds = [], memoryBytes = Number.NaN, pauseMs = Number.NaN, totalMs = Number.NaN } = status;
    const sentBefore = rounds.reduce((sum, { bytes }) => sum + bytes, 0);
    return {
      pauseMs: Number(seen["longestPauseMs"]),
      hostPauseMs: pauseMs,
      totalMs,
      rounds: rounds.length,
      memoryBytes,
      finalBytes: memoryBytes - sentBefore,
    };
  } finally {
    counter.kill();
    await fleet.remove(server);
  }
}

function rowOf(
  mode: MigrationMode,
  { residentMiB, writeMiB, runs }: RoundsBenchmark,
  taken: readonly Sample[],
): RoundsRow {
  const of = (member: keyof Sample) => Math.round(median(taken.map((sample) => sample[member])));
  return {
    mode,
    residentMiB,
    writeMiB,
    runs,
    pauseMsMedian: of("pauseMs"),
    hostPauseMsMedian: of("hostPauseMs"),
    totalMsMedian: of("totalMs"),
    roundsMedian: of("rounds"),
    memoryBytesMedian: of("memoryBytes"),
    finalBytesMedian: of("finalBytes"),
  };
}

function tableOf(rows: readonly RoundsRow[]): string {
  const headings = [
    "mode",
    "resident",
    "written",
    "runs",
    "pause",
    "of the hosts",
    "total",
    "rounds",
    "left for the freeze",
  ];
  return textTable(
    headings,
    rows.map((row) => [
      row.mode,
      `${row.residentMiB} MiB`,
      `${row.writeMiB} MiB/s`,
      String(row.runs),
      `${row.pauseMsMedian} ms`,
      `${row.hostPauseMsMedian} ms`,
      `${row.totalMsMedian} ms`,
      String(row.roundsMedian),
      `${(row.finalBytesMedian / mebibyte).toFixed(1)} MiB, ${((row.finalBytesMedian / mebibyte / row.residentMiB) * 100).toFixed(1)} %`,
    ]),
  );
}
