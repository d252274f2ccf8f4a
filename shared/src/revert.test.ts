import { describe, expect, test } from "vitest";
import { Revert } from "./revert.ts";

describe("Revert", () => {
  test("gives back last acquired first, and goes on past a step that fails", async () => {
    const done: string[] = [];
    const revert = new Revert();
    revert.add("mount", () => void done.push("mount"));
    revert.add("socket", () => {
      throw new Error("busy");
    });
    revert.add("folder", async () => void done.push("folder"));
    expect(await revert.revert()).toEqual(["socket: busy"]);
    expect(done).toEqual(["folder", "mount"]);
  });

  test("keeps everything after a commit", async () => {
    const revert = new Revert();
    revert.add("mount", () => {
      throw new Error("must not run");
    });
    revert.commit();
    expect(await revert.revert()).toEqual([]);
  });
});
