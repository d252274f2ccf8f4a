import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { expect, test } from "vitest";

const program = new URL("main.ts", import.meta.url).pathname;

test("moves a container with its connection, and leaves nothing behind", () => {
  const mountsBefore = readFileSync("/proc/self/mounts", "utf8");
  const finished = spawnSync(process.execPath, [program, "--json"], { encoding: "utf8" });
  const check = JSON.parse(finished.stdout) as { ok: boolean; steps: readonly { name: string; ok: boolean }[] };
  expect(check.steps.filter(({ ok }) => ok).map(({ name }) => name)).toEqual(
    expect.arrayContaining(["container", "connection", "dump", "restore", "continuity"]),
  );
  expect(finished.status).toBe(0);
  expect(readFileSync("/proc/self/mounts", "utf8")).toBe(mountsBefore);
  expect(leftControlGroups()).toEqual([]);
});

function leftControlGroups(): readonly string[] {
  const hierarchies = existsSync("/sys/fs/cgroup") ? readdirSync("/sys/fs/cgroup") : [];
  const names = hierarchies.flatMap((name) => [name, ...listIfFolder(`/sys/fs/cgroup/${name}`)]);
  return names.filter((name) => name.startsWith("vfleet-check-"));
}

function listIfFolder(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
