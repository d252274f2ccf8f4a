import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** `stats-dump` of CRIU (images/stats.proto). */
export interface DumpStatistics {
  freezingMs: number;
  frozenMs: number;
  memoryDumpMs: number;
  memoryWriteMs: number;
  pagesScanned: number;
  pagesWritten: number;
}

/** `stats-restore` of CRIU. */
export interface RestoreStatistics {
  forkingMs: number;
  restoreMs: number;
}

const serviceMagic = 0x55105940;
const statisticsMagic = 0x57093306;
const messageStart = 12;

export function readDumpStatistics(folder: string): DumpStatistics | undefined {
  const fields = readFields(join(folder, "stats-dump"), 1);
  if (fields === undefined) return undefined;
  return {
    freezingMs: microseconds(fields.get(1)),
    frozenMs: microseconds(fields.get(2)),
    memoryDumpMs: microseconds(fields.get(3)),
    memoryWriteMs: microseconds(fields.get(4)),
    pagesScanned: fields.get(5) ?? 0,
    pagesWritten: (fields.get(7) ?? 0) + (fields.get(14) ?? 0),
  };
}

export function readRestoreStatistics(folder: string): RestoreStatistics | undefined {
  const fields = readFields(join(folder, "stats-restore"), 2);
  if (fields === undefined) return undefined;
  return { forkingMs: microseconds(fields.get(3)), restoreMs: microseconds(fields.get(4)) };
}

function microseconds(value: number | undefined): number {
  return (value ?? 0) / 1000;
}

/** Numbers of the sub-message `field`; undefined where the file isn't what it should be. */
function readFields(path: string, field: number): Map<number, number> | undefined {
  if (!existsSync(path)) return undefined;
  const data = readFileSync(path);
  if (data.length < messageStart || data.readUInt32LE(0) !== serviceMagic || data.readUInt32LE(4) !== statisticsMagic)
    return undefined;
  const reader = { data, at: messageStart };
  while (reader.at < data.length) {
    const key = readVarint(reader);
    if ((key & 7) !== 2) return undefined;
    const bytes = readVarint(reader);
    if (key >> 3 === field) return readMessage(data.subarray(reader.at, reader.at + bytes));
    reader.at += bytes;
  }
  return undefined;
}

function readMessage(data: Buffer): Map<number, number> {
  const fields = new Map<number, number>();
  const reader = { data, at: 0 };
  while (reader.at < data.length) {
    const key = readVarint(reader);
    if ((key & 7) !== 0) break;
    fields.set(key >> 3, readVarint(reader));
  }
  return fields;
}

function readVarint(reader: { data: Buffer; at: number }): number {
  let value = 0;
  for (let scale = 1; reader.at < reader.data.length; scale *= 0x80) {
    const byte = reader.data[reader.at++] ?? 0;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) break;
  }
  return value;
}
