import { fileURLToPath } from "node:url";
import { beforeAll, expect, it } from "vitest";
import { runInBox } from "../session/system/in-box.ts";
import type { CheckpointBoxReport } from "./system/checkpoint-box.ts";

const megabytes = 32;
let seen: CheckpointBoxReport;

beforeAll(async () => {
  seen = await runInBox({
    program: fileURLToPath(new URL("system/checkpoint-box.ts", import.meta.url)),
    parameters: [String(megabytes)],
    appendOnly: true,
    timeoutMs: 55_000,
  });
});

it("takes a checkpoint of a server that goes on, with its clients' connections", () => {
  const { manifest } = seen.taken;
  expect(seen.afterTaking).toMatchObject({ gaps: 0 });
  expect(seen.afterTaking.error).toBeUndefined();
  expect(manifest.memoryBytes).toBeGreaterThan(megabytes * 1024 * 1024);
  expect(manifest.pauseMs).toBeGreaterThan(0);
  // The client is right: it was answered by nobody meanwhile.
  expect(seen.afterTaking.longestPauseMs).toBeGreaterThan(manifest.pauseMs / 2);
  const names = manifest.members.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(["spec.dump", "stats-dump", "checkpoint/inventory.img"]));
});

it("keeps another one of the same server for little more", () => {
  const { memoryBytes, kept } = seen.taken.manifest;
  const again = seen.again.manifest;
  expect(kept?.storedBytes).toBeGreaterThan(megabytes * 1024 * 1024);
  expect(again.memoryBytes).toBeGreaterThan(memoryBytes * 0.9);
  expect(again.kept?.storedBytes).toBeLessThan(memoryBytes * 0.2);
});

it("leaves the server running and nothing behind where it fails in the middle", () => {
  expect(seen.refused).toMatchObject({ code: "failpoint", left: [], snapshots: [] });
  expect(seen.refused.client.error).toBeUndefined();
  expect(seen.refused.client.gaps).toBe(0);
});

it("lets the server go on where the agent dies in the middle, and the next one finds no checkpoint", () => {
  expect(seen.interrupted).toMatchObject({ listed: [], purged: ["interrupted"] });
  expect(seen.interrupted.client.error).toBeUndefined();
  expect(seen.interrupted.client.gaps).toBe(0);
});

it("touches nothing for a checkpoint that is damaged", () => {
  expect(seen.damaged.codes).toEqual(["checkpoint-damaged", "checkpoint-damaged"]);
  expect(seen.damaged.client.error).toBeUndefined();
});

it("leaves the volume as it was where a restore fails", () => {
  expect(seen.failed).toEqual({ code: "restore-failed", tasks: 0, later: true });
});

it("ends the server where memory is found damaged only while it is filled, and leaves the volume as it was", () => {
  expect(seen.damagedLate).toEqual({ code: "lazy-pages-failed", tasks: 0, later: true });
});

it("brings back an encrypted one with its key, and not without", () => {
  expect(seen.sealed).toEqual({
    keyId: expect.stringMatching(/^[0-9a-f]{16}$/) as unknown,
    withoutKey: "checkpoint-key-missing",
    intact: true,
  });
});

it("brings back memory and files as they were, as often as wanted, and the server goes on", () => {
  const counts = seen.restores.map(({ countedFrom }) => countedFrom);
  expect(seen.restores).toHaveLength(2);
  for (const { intact, later, tasks } of seen.restores)
    expect({ intact, later, tasks }).toEqual({ intact: true, later: false, tasks: seen.before });
  expect(new Set(counts).size).toBe(1);
  // Counted to before the checkpoint, and not what came later.
  expect(counts[0]).toBeGreaterThan(seen.refused.client.lastValue);
  expect(counts[0]).toBeLessThan(seen.damaged.client.lastValue);
  expect(seen.afterRestore.error).toBeUndefined();
});
