import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FenceFolder } from "./fence-folder.ts";

describe("the folder of what is fenced", () => {
  let top = "";
  beforeEach(() => {
    top = mkdtempSync(join(tmpdir(), "fences-"));
  });
  afterEach(() => rmSync(top, { recursive: true }));

  it("lets others pass through the run folder that it makes", () => {
    const run = join(top, "run");
    const folder = new FenceFolder(join(run, "fencing"));
    expect(folder.armedCount).toBe(0);
    expect(statSync(run).mode & 0o777).toBe(0o711);
  });

  it("is found again by the next agent, with what is armed and the deadline", () => {
    const folder = new FenceFolder(join(top, "fencing"));
    folder.arm("one", "free");
    folder.arm("two", "held");
    folder.disarm("two");
    folder.deadline = { freezeAtMs: 12_345, endAtMs: 23_456, term: "t" };
    const next = new FenceFolder(join(top, "fencing"));
    expect([next.isArmed("one"), next.isArmed("two"), next.takeEnded("one")]).toEqual([true, false, false]);
    expect(next.deadline).toEqual({ freezeAtMs: 12_340, endAtMs: 23_450, term: "t" });
  });
});
