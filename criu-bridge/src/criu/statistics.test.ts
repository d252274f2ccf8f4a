import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { readDumpStatistics, readRestoreStatistics } from "./statistics.ts";

const folder = mkdtempSync(join(tmpdir(), "statistics-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("reads what CRIU writes", () => {
  // Magic words, length, {dump: {1: 1000 us, 2: 60000 us, 3: 5 us, 4: 7 us, 5: 300, 7: 200, 14: 1}}.
  const fields = "08e80710e0d4031805200728ac0238c8017001";
  const message = Buffer.from(fields, "hex");
  const head = Buffer.from([0x40, 0x59, 0x10, 0x55, 0x06, 0x33, 0x09, 0x57, message.length + 2, 0, 0, 0]);
  writeFileSync(join(folder, "stats-dump"), Buffer.concat([head, Buffer.from([0x0a, message.length]), message]));
  expect(readDumpStatistics(folder)).toEqual({
    freezingMs: 1,
    frozenMs: 60,
    memoryDumpMs: 0.005,
    memoryWriteMs: 0.007,
    pagesScanned: 300,
    pagesWritten: 201,
  });
});

it("has none where the file is missing or something else", () => {
  expect(readRestoreStatistics(folder)).toBeUndefined();
  writeFileSync(join(folder, "stats-restore"), "nothing that CRIU wrote");
  expect(readRestoreStatistics(folder)).toBeUndefined();
});
