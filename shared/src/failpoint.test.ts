import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Failpoints } from "./failpoint.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "failpoint-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("Failpoints", () => {
  test("let everything pass without a folder or an armed file", () => {
    expect(() => new Failpoints().hit("a")).not.toThrow();
    expect(() => new Failpoints(folder).hit("a")).not.toThrow();
  });

  test("refuse while armed, or once", () => {
    writeFileSync(join(folder, "a"), "refuse\n");
    writeFileSync(join(folder, "b"), "refuse-once\n");
    const failpoints = new Failpoints(folder);
    expect(() => failpoints.hit("a")).toThrow('failpoint "a"');
    expect(() => failpoints.hit("a")).toThrow('failpoint "a"');
    expect(() => failpoints.hit("b")).toThrow('failpoint "b"');
    failpoints.hit("b");
  });

  test("hold until they are cleared, or until nobody waits any more", async () => {
    const file = join(folder, "a");
    writeFileSync(file, "hold\n");
    const failpoints = new Failpoints(folder);
    const waiting = new AbortController();
    const given = failpoints.reach("a", waiting.signal);
    const held = failpoints.reach("a");
    waiting.abort(new Error("given up"));
    await expect(given).rejects.toThrow("given up");
    rmSync(file);
    await held;
  });

  test("refuse who reaches them, too", async () => {
    writeFileSync(join(folder, "a"), "refuse-once\n");
    const failpoints = new Failpoints(folder);
    await expect(failpoints.reach("a")).rejects.toThrow('failpoint "a"');
    await failpoints.reach("a");
  });
});
