import { existsSync, readFileSync, statfsSync } from "node:fs";
import { release } from "node:os";
import type { CheckStep } from "./check-step.ts";
import { findProgram, runProgram } from "./program.ts";

const installHint = "Run the installer: node deploy/install/main.ts";
/** Magic of statfs(2) for a unified cgroup hierarchy. */
const cgroup2Magic = 0x63677270;

/** What is there, without doing anything yet. */
export function probeHost(): readonly CheckStep[] {
  return [
    { name: "kernel", level: "info", ok: true, detail: `Linux ${release()}` },
    probeVersion("criu", ["--version"], "required"),
    probeVersion("runc", ["--version"], "required"),
    probeVersion("conmon", ["--version"], "required"),
    probeVersion("nats-server", ["--version"], "info"),
    probeVersion("btrfs", ["--version"], "required"),
    probeFileSystem("btrfs"),
    probeSetting("vm.unprivileged_userfaultfd", (value) => value === 1, "lazy restores in user namespaces need 1"),
    probeSetting("fs.pipe-user-pages-soft", (value) => value === 0, "lazy dumps need 0 (no limit)"),
    probeSetting("fs.pipe-max-size", (value) => value >= 1_048_576, "lazy dumps need 1048576 or more"),
    probeCriuFeature(
      "mem_dirty_track",
      "dirty-page tracking",
      "pre-dumps are not possible: memory is sent once, or after the move",
    ),
    probeCriuFeature("uffd-noncoop", "lazy pages", "memory cannot follow a server after the move"),
    { name: "cgroups", level: "info", ok: true, detail: isUnifiedCgroup() ? "version 2" : "version 1 or mixed" },
    probePressure(),
  ];
}

/** The first line of what a program says about itself that holds a version number. */
export function versionIn(printed: string): string | undefined {
  return /\d+\.\d+(?:\.\d+)?(?:[-+~][\w.+~-]+)?/.exec(printed)?.[0];
}

function probeVersion(name: string, args: readonly string[], level: CheckStep["level"]): CheckStep {
  const path = findProgram(name);
  if (path === undefined) return { name, level, ok: false, detail: "not installed", hint: installHint };
  const finished = runProgram([path, ...args]);
  const version = versionIn(finished.stdout);
  if (!finished.ok || version === undefined) {
    return { name, level, ok: false, detail: `${path} does not run: ${finished.stderr.trim()}`, hint: installHint };
  }
  return { name, level, ok: true, detail: `${version} at ${path}` };
}

function probeFileSystem(name: string): CheckStep {
  const isKnown = new RegExp(`\\b${name}$`, "m").test(readIfThere("/proc/filesystems") ?? "");
  const isLoadable = isKnown || runProgram(["modprobe", "--dry-run", "--quiet", name]).ok;
  const detail = isKnown ? "in the kernel" : isLoadable ? "a module, not loaded yet" : "not in this kernel";
  return {
    name: `${name} file system`,
    level: "required",
    ok: isLoadable,
    detail,
    ...(isLoadable ? {} : { hint: "Run Debian's own kernel" }),
  };
}

function probeSetting(key: string, isRight: (value: number) => boolean, need: string): CheckStep {
  const text = readIfThere(`/proc/sys/${key.replaceAll(".", "/")}`);
  if (text === undefined) return { name: key, level: "info", ok: false, detail: "not in this kernel", hint: need };
  const ok = isRight(Number.parseInt(text, 10));
  return { name: key, level: "info", ok, detail: text.trim(), ...(ok ? {} : { hint: `${need}. ${installHint}` }) };
}

function probeCriuFeature(feature: string, name: string, without: string): CheckStep {
  const ok = runProgram(["criu", "check", "--feature", feature]).ok;
  return { name, level: "info", ok, detail: ok ? "yes" : `no: ${without}` };
}

function isUnifiedCgroup(): boolean {
  return existsSync("/sys/fs/cgroup") && statfsSync("/sys/fs/cgroup").type === cgroup2Magic;
}

function probePressure(): CheckStep {
  const ok = readIfThere("/proc/pressure/memory") !== undefined;
  return {
    name: "pressure stall information",
    level: "info",
    ok,
    detail: ok ? "yes" : "no: overload is judged by usage alone",
  };
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
