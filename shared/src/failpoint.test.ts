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
});
