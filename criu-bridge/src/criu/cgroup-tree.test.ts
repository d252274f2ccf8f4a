import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { cgroupTreeSchema, makeCgroupTree, readCgroupTree, setCgroupTree } from "./cgroup-tree.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vfleet-cgroup-"));
  for (const path of ["here/system.slice/web.service", "there"]) mkdirSync(join(folder, path), { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A plain folder stands for a cgroup: a file of it is there before it is written. */
function put(path: string, text: string): void {
  writeFileSync(join(folder, path), text);
}

test("reads every cgroup with what was set, and of the top one only what it hands on", () => {
  put("here/memory.max", "1000\n");
  put("here/cgroup.subtree_control", "cpu memory\n");
  put("here/system.slice/web.service/memory.max", "500\n");
  const { uid, gid } = statSync(folder);
  expect(readCgroupTree(join(folder, "here"))).toEqual([
    { path: "", uid, gid, controllers: "cpu memory", settings: {} },
    { path: "system.slice", uid, gid, controllers: "", settings: {} },
    { path: "system.slice/web.service", uid, gid, controllers: "", settings: { "memory.max": "500" } },
  ]);
});

test("makes them elsewhere, then sets what was set where that is possible", () => {
  put("here/cgroup.subtree_control", "memory");
  put("here/system.slice/memory.max", "700");
  put("here/system.slice/web.service/memory.max", "500");
  const tree = readCgroupTree(join(folder, "here"));
  makeCgroupTree(join(folder, "there"), tree);
  expect(statSync(join(folder, "there/system.slice/web.service")).isDirectory()).toBe(true);

  put("there/system.slice/memory.max", "max\n");
  setCgroupTree(join(folder, "there"), tree);
  const text = (path: string) => readFileSync(join(folder, "there", path), "utf8");
  expect(text("cgroup.subtree_control")).toBe("+memory");
  expect(text("system.slice/memory.max")).toBe("700");
  expect(() => text("system.slice/web.service/memory.max")).toThrow("ENOENT");
});

test.each(["../other", "a/../../b", "/etc", "a/..", "."])("takes no tree with %s", (path) => {
  const [top] = readCgroupTree(join(folder, "here"));
  expect(cgroupTreeSchema.safeParse([{ ...top, path }]).success).toBe(false);
});

test("takes a tree with names as systemd gives them", () => {
  const [top] = readCgroupTree(join(folder, "here"));
  const paths = ["", "system.slice/system-getty.slice", "user.slice/user-1000.slice/user@1000.service", "..a/b.."];
  expect(cgroupTreeSchema.safeParse(paths.map((path) => ({ ...top, path }))).success).toBe(true);
});
