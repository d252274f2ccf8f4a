import { existsSync, readdirSync, rmdirSync } from "node:fs";
import type { CheckStep } from "./check-step.ts";
import { runProgram } from "./program.ts";

const cgroupRoot = "/sys/fs/cgroup";
const boxTimeoutMs = 40_000;

/** Runs the check's real part in a box, and removes what a box cannot take with it: control groups. */
export function runBox(): readonly CheckStep[] {
  const cgroupName = `vfleet-check-${process.pid}`;
  try {
    const finished = runProgram(boxArguments(`/${cgroupName}`), { timeoutMs: boxTimeoutMs });
    const steps = parseSteps(finished.stdout);
    if (finished.ok && steps.length > 0) return steps;
    const detail = finished.stderr.trim().split("\n").slice(-4).join("\n         ") || "ended early";
    return [
      ...steps,
      { name: "box", level: "required", ok: false, detail, hint: "Run as root, with the right to make namespaces" },
    ];
  } finally {
    removeCgroups(cgroupName);
  }
}

export function boxArguments(cgroupPath: string): readonly string[] {
  const processNamespaces = ["--pid", "--fork", "--kill-child", "--mount-proc", "--ipc", "--uts"];
  const mountNamespace = ["--mount", "--propagation", "private"];
  const program = [process.execPath, new URL("box.ts", import.meta.url).pathname, cgroupPath];
  return ["unshare", ...processNamespaces, ...mountNamespace, "--net", "--", ...program];
}

function parseSteps(printed: string): readonly CheckStep[] {
  const lines = printed.split("\n").filter((line) => line.startsWith("{"));
  // Written by this program's own child, a line at a time.
  return lines.map((line) => JSON.parse(line) as CheckStep);
}

/** Version 1 has a folder in each hierarchy, version 2 one in all. Only empty groups can be removed, so nothing else is. */
function removeCgroups(name: string): void {
  const hierarchies = existsSync(cgroupRoot) ? readdirSync(cgroupRoot, { withFileTypes: true }) : [];
  const folders = [
    cgroupRoot,
    ...hierarchies.filter((entry) => entry.isDirectory()).map((entry) => `${cgroupRoot}/${entry.name}`),
  ];
  for (const folder of folders) {
    const group = `${folder}/${name}`;
    if (existsSync(group)) rmdirSync(group);
  }
}
