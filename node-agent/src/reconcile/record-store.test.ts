import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
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

it("refuses to go on with a damaged record", async () => {
  writeFileSync(join(folder, "a.json"), '{"version":1');
  await expect(new RecordStore(folder).load()).rejects.toMatchObject({ code: "record-invalid" });
});
