import { textTable } from "../text-table.ts";
import type { Row } from "./contender.ts";

const headings = [
  "resident",
  "system",
  "mode",
  "runs",
  "pause median",
  "pause max",
  "against vfleet",
  "total",
  "wire",
  "wire/memory",
  "restore",
  "fill",
  "sender peak",
  "receiver peak",
  "p99 after",
  "connection",
];

/** The rows for a person; pauses as multiples of that of vfleet's first mode at the same size. */
export function table(rows: readonly Row[]): string {
  const cells = rows.map((row) => {
    const ours = rows.find((other) => other.system === "vfleet" && other.residentMiB === row.residentMiB);
    const ratio = ours === undefined ? "" : `${(row.pauseMsMedian / ours.pauseMsMedian).toFixed(2)} x`;
    return [
      `${row.residentMiB} MiB`,
      row.system,
      row.mode,
      String(row.runs),
      `${Math.round(row.pauseMsMedian)} ms`,
      `${Math.round(row.pauseMsMax)} ms`,
      ratio,
      `${Math.round(row.totalMsMedian)} ms`,
      `${Math.round(row.wireBytesMedian / 1_048_576)} MiB`,
      row.memoryBytesMedian === null ? "" : (row.wireBytesMedian / row.memoryBytesMedian).toFixed(2),
      quantity(row.restoreMsMedian, "ms"),
      quantity(row.fillMsMedian, "ms"),
      quantity(row.senderPeakMiB, "MiB"),
      quantity(row.receiverPeakMiB, "MiB"),
      `${row.p99AfterPauseMsMedian} ms`,
      row.connectionKept ? "kept" : "LOST",
    ];
  });
  return textTable(headings, cells);
}

function quantity(value: number | null, unit: string): string {
  return value === null ? "" : `${value} ${unit}`;
}
