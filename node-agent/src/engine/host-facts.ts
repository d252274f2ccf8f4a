import { existsSync, readFileSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { availableParallelism, release, totalmem } from "node:os";
import type { AgentConfig, HostVersions, NodeReport, NodeResources } from "@vfleet/shared";
import { tryProgram } from "./program/run-program.ts";

/** More would be slow to look after, whatever the host's size. */
const serversPerNode = 500;
/** Share of memory, and most of it, that is kept for the host itself. */
const reservedShare = 0.1;
const reservedMostBytes = 1 << 30;

/** What programs and kernel this host has: two hosts of a migration must agree on it. */
export async function readHostVersions(programs: AgentConfig["programs"]): Promise<HostVersions> {
  const [criu, runc, dirtyTracking] = await Promise.all([
    versionOf([programs.criu, "--version"], /Version: (\S+)/),
    versionOf([programs.runc, "--version"], /version (\S+)/),
    tracksDirtyPages(programs.criu),
  ]);
  return {
    criu,
    runc,
    kernel: release(),
    architecture: process.arch,
    cgroup: existsSync("/sys/fs/cgroup/cgroup.controllers") ? "v2" : "v1",
    cpuFlags: cpuFlags(readText("/proc/cpuinfo")),
    dirtyTracking,
  };
}

/** x86 calls the line `flags`, ARM `Features`. */
export function cpuFlags(cpuinfo: string): string[] {
  const line = cpuinfo.split("\n").find((text) => /^(flags|Features)\s*:/.test(text));
  return (line?.split(":")[1] ?? "")
    .trim()
    .split(/\s+/)
    .filter((flag) => flag !== "")
    .toSorted();
}

export function nodeInfo(versions: HostVersions): NodeReport["info"] {
  return {
    machineId: readText("/etc/machine-id").trim(),
    kernelVersion: versions.kernel,
    osImage: /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(readText("/etc/os-release"))?.[1] ?? "Linux",
    architecture: versions.architecture === "x64" ? "amd64" : versions.architecture,
    runcVersion: versions.runc,
    criuVersion: versions.criu,
    dirtyTracking: versions.dirtyTracking,
  };
}

export async function nodeResources(
  config: Pick<AgentConfig, "capacity" | "volumesFolder">,
): Promise<{ capacity: NodeResources; allocatable: NodeResources }> {
  const disk = await statfs(config.volumesFolder);
  const capacity = {
    milliCpu: config.capacity.milliCpu ?? availableParallelism() * 1000,
    memoryBytes: config.capacity.memoryBytes ?? totalmem(),
    diskBytes: disk.blocks * disk.bsize,
    servers: serversPerNode,
  };
  const reservedBytes =
    config.capacity.memoryBytes === undefined
      ? Math.min(reservedMostBytes, Math.floor(capacity.memoryBytes * reservedShare))
      : 0;
  return { capacity, allocatable: { ...capacity, memoryBytes: capacity.memoryBytes - reservedBytes } };
}

/** CRIU writes to a page of its own and looks whether the kernel says so: a kernel built without it takes the request, too. */
async function tracksDirtyPages(criu: string): Promise<boolean> {
  const result = await tryProgram([criu, "check", "--feature", "mem_dirty_track"]).catch(() => undefined);
  return result?.status === 0;
}

async function versionOf(command: readonly string[], pattern: RegExp): Promise<string> {
  const result = await tryProgram(command).catch(() => undefined);
  return pattern.exec(result?.stdout ?? "")?.[1] ?? "unknown";
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
