import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { pruneOperations } from "./prune-operations.ts";
import { saveSession } from "./session-file.ts";

let folder: string;
let stateFolder: string;
let runFolder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "prune-"));
  [stateFolder, runFolder] = [join(folder, "state"), join(folder, "run")];
  for (const empty of [stateFolder, runFolder]) mkdirSync(empty);
});
afterEach(() => rmSync(folder, { recursive: true }));

it("keeps the last twenty ended operations and every one that has not ended", () => {
  const identity = { operation: "o", server: "s", source: "a", target: "b", epoch: 1 };
  for (let number = 0; number < 30; number++) {
    const operation = join(stateFolder, "operations", `${number}-source`);
    mkdirSync(operation, { recursive: true });
    mkdirSync(join(runFolder, "migrations", `${number}-source`, "images"), { recursive: true });
    saveSession(join(operation, "session.json"), {
      version: 1,
      side: "source",
      identity,
      mode: "StopAndCopy",
      container: "c",
      ended: number > 1,
    });
    utimesSync(operation, number, number);
  }
  pruneOperations({ stateFolder, runFolder });
  for (const parent of [join(stateFolder, "operations"), join(runFolder, "migrations")]) {
    const left = readdirSync(parent).map((name) => Number.parseInt(name, 10));
    expect(left.toSorted((a, b) => a - b)).toEqual([0, 1, ...Array.from({ length: 20 }, (_, index) => index + 10)]);
  }
});

it("has nothing to do on a new host", () => {
  pruneOperations({ stateFolder, runFolder });
  expect(readdirSync(stateFolder)).toEqual([]);
});
