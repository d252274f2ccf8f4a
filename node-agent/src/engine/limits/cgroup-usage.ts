import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** What a cgroup and those below it use. */
export interface CgroupUsage {
  /** Since it was made. */
  cpuMicroseconds: number;
  /** Without page cache that is not in use. */
  memoryBytes: number;
  pids: number;
}

const root = "/sys/fs/cgroup";

/** Reads cgroup v2 where it is the host's only one, v1 elsewhere; none where the cgroup isn't there. */
export async function readCgroupUsage(path: string): Promise<CgroupUsage | undefined> {
  try {
    return existsSync(join(root, "cgroup.controllers"))
      ? await readUnified(join(root, path))
      : await readSeparate(path);
  } catch {
    return undefined;
  }
}

async function readUnified(folder: string): Promise<CgroupUsage> {
  const [cpu, memory, memoryStat, pids] = await Promise.all(
    ["cpu.stat", "memory.current", "memory.stat", "pids.current"].map((file) => readFile(join(folder, file), "utf8")),
  );
  return {
    cpuMicroseconds: statMember(cpu, "usage_usec"),
    memoryBytes: Math.max(0, Number(memory) - statMember(memoryStat, "inactive_file")),
    pids: Number(pids),
  };
}

async function readSeparate(path: string): Promise<CgroupUsage> {
  const [cpu, memory, memoryStat, pids] = await Promise.all(
    [
      `cpuacct${path}/cpuacct.usage`,
      `memory${path}/memory.usage_in_bytes`,
      `memory${path}/memory.stat`,
      `pids${path}/pids.current`,
    ].map((file) => readFile(join(root, file), "utf8")),
  );
  return {
    cpuMicroseconds: Math.round(Number(cpu) / 1000),
    memoryBytes: Math.max(0, Number(memory) - statMember(memoryStat, "total_inactive_file")),
    pids: Number(pids),
  };
}

/** `name value` lines. */
export function statMember(text: string | undefined, name: string): number {
  return Number(new RegExp(`^${name} (\\d+)$`, "m").exec(text ?? "")?.[1] ?? 0);
}
