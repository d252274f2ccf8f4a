import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { pruneOperations } from "./prune-operations.ts";
import { saveSession } from "./session-file.ts";

let stateFolder: string;
beforeEach(() => {
  stateFolder = mkdtempSync(join(tmpdir(), "prune-"));
});
afterEach(() => rmSync(stateFolder, { recursive: true }));

it("keeps the last twenty ended operations and every one that has not ended", () => {
  const identity = { operation: "o", server: "s", source: "a", target: "b", epoch: 1 };
  for (let number = 0; number < 30; number++) {
    const folder = join(stateFolder, "operations", `${number}-source`);
    mkdirSync(folder, { recursive: true });
    saveSession(join(folder, "session.json"), {
      version: 1,
      side: "source",
      identity,
      mode: "StopAndCopy",
      container: "c",
      ended: number > 1,
    });
    utimesSync(folder, number, number);
  }
  pruneOperations({ stateFolder });
  const left = readdirSync(join(stateFolder, "operations")).map((name) => Number.parseInt(name, 10));
  expect(left.toSorted((a, b) => a - b)).toEqual([0, 1, ...Array.from({ length: 20 }, (_, index) => index + 10)]);
});

it("has nothing to do on a new host", () => {
  pruneOperations({ stateFolder });
  expect(readdirSync(stateFolder)).toEqual([]);
});
