import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { hostDisk, type Disk } from "../disk.ts";
import { RecordStore } from "./record-store.ts";
import { newServerRecord } from "./server-record.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "records-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

it("knows again after a restart what was saved", async () => {
  const store = new RecordStore(folder);
  await store.save({ ...newServerRecord("a"), epoch: 7 });
  await Promise.all([1, 2, 3].map((restarts) => store.save({ ...newServerRecord("b"), restarts })));
  const again = new RecordStore(folder);
  await again.load();
  expect(again.get("a")?.epoch).toBe(7);
  expect(again.get("b")?.restarts).toBe(3);
});

it("writes again what could not be written, before anything is done about it", async () => {
  let isFailing = true;
  const disk: Disk = {
    ...hostDisk,
    write: (file, text) => (isFailing ? Promise.reject(new Error("I/O error")) : hostDisk.write(file, text)),
  };
  const store = new RecordStore(folder, disk);
  await expect(store.save({ ...newServerRecord("a"), epoch: 7 })).rejects.toThrow("I/O error");
  // What was seen is not forgotten meanwhile.
  expect(store.get("a")?.epoch).toBe(7);
  await expect(store.written("a")).rejects.toThrow("I/O error");
  isFailing = false;
  await store.written("a");
  await store.written("a");
  const again = new RecordStore(folder);
  await again.load();
  expect(again.get("a")?.epoch).toBe(7);
});

it("refuses to go on with a damaged record", async () => {
  writeFileSync(join(folder, "a.json"), '{"version":1');
  await expect(new RecordStore(folder).load()).rejects.toMatchObject({ code: "record-invalid" });
});
