import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { hostDisk } from "../disk.ts";
import { PreparedStore } from "./prepared-store.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "prepared-"));
  mkdirSync(join(folder, "prepared-moves"));
  writeFileSync(join(folder, "prepared-moves", "move.json"), '{"operation":');
});
afterEach(() => rmSync(folder, { recursive: true }));

it("gives a damaged file as one of nobody's", async () => {
  expect(await new PreparedStore(folder).all()).toEqual([{ operation: "move", uid: "" }]);
});

it("takes a file that can't be read now for no damaged one", async () => {
  const disk = { ...hostDisk, read: () => Promise.reject(new Error("I/O error")) };
  await expect(new PreparedStore(folder, disk).all()).rejects.toThrow("I/O error");
});
