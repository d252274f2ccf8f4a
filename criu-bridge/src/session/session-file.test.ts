import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { unfinishedSessions } from "./resumed-session.ts";
import { loadSession, saveSession, type SessionRecord } from "./session-file.ts";

const stateFolder = mkdtempSync(join(tmpdir(), "operations-"));
afterAll(() => rmSync(stateFolder, { recursive: true, force: true }));

const record = (operation: string, ended: boolean): SessionRecord => ({
  version: 1,
  side: "source",
  identity: { operation, server: "uid", source: "host-1", target: "host-2", epoch: 1 },
  mode: "StopAndCopy",
  container: "uid",
  ended,
});

function save(operation: string, ended: boolean): void {
  const folder = join(stateFolder, "operations", `${operation}-source`);
  mkdirSync(folder, { recursive: true });
  saveSession(join(folder, "session.json"), record(operation, ended));
}

it("finds what an earlier agent has not ended", () => {
  save("waiting", false);
  save("over", true);
  expect(unfinishedSessions({ stateFolder }).map(({ identity }) => identity.operation)).toEqual(["waiting"]);
});

it("takes a damaged file for none: nothing was promised in it", () => {
  const file = join(stateFolder, "damaged.json");
  writeFileSync(file, '{"version": 1, "side"');
  expect(loadSession(file)).toBeUndefined();
  expect(loadSession(join(stateFolder, "missing.json"))).toBeUndefined();
});
