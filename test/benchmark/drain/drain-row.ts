import { median } from "../statistics.ts";
import { textTable } from "../text-table.ts";

/** What the client of one server saw of a drain. */
export interface ClientView {
  pauseMs: number;
  requests: number;
  /** Answered, and not known afterwards. */
  lostWrites: number;
  connectionKept: boolean;
}

export interface DrainSample {
  /** From asking for the drain to its end. */
  wallMs: number;
  /** Freeze to running, of each move, as the hosts measured it. */
  hostPausesMs: readonly number[];
  clients: readonly ClientView[];
}

/** A row of the result. Kept stable for scripts. */
export interface DrainRow {
  servers: number;
  residentMiB: number;
  maxParallel: number;
  wallMs: number;
  movesPerMinute: number;
  /** Of all clients, the longest time between two answers that each saw. */
  pauseMsMedian: number;
  pauseMsMax: number;
  hostPauseMsMedian: number;
  requests: number;
  lostWrites: number;
  lostConnections: number;
}

export function rowOf(about: { residentMiB: number; maxParallel: number }, sample: DrainSample): DrainRow {
  const { wallMs, hostPausesMs, clients } = sample;
  const pausesMs = clients.map(({ pauseMs }) => pauseMs);
  const total = (counts: readonly number[]) => counts.reduce((sum, count) => sum + count, 0);
  return {
    servers: clients.length,
    ...about,
    wallMs: Math.round(wallMs),
    movesPerMinute: Math.round((clients.length / wallMs) * 600_000) / 10,
    pauseMsMedian: Math.round(median(pausesMs)),
    pauseMsMax: Math.round(Math.max(...pausesMs)),
    hostPauseMsMedian: Math.round(median(hostPausesMs)),
    requests: total(clients.map(({ requests }) => requests)),
    lostWrites: total(clients.map(({ lostWrites }) => lostWrites)),
    lostConnections: clients.filter(({ connectionKept }) => !connectionKept).length,
  };
}

export function tableOf(rows: readonly DrainRow[]): string {
  const headings = [
    "servers",
    "at once",
    "wall-clock",
    "moves/min",
    "pause median",
    "pause max",
    "of the hosts, median",
    "requests",
    "lost writes",
    "lost connections",
  ];
  return textTable(
    headings,
    rows.map((row) => [
      `${row.servers} of ${row.residentMiB} MiB`,
      String(row.maxParallel),
      `${(row.wallMs / 1000).toFixed(1)} s`,
      String(row.movesPerMinute),
      `${row.pauseMsMedian} ms`,
      `${row.pauseMsMax} ms`,
      `${row.hostPauseMsMedian} ms`,
      String(row.requests),
      String(row.lostWrites),
      String(row.lostConnections),
    ]),
  );
}
