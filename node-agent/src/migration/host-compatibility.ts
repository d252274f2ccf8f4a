import type { HostVersions, MoveMode } from "@vfleet/shared";
import { bridgeError } from "@vfleet/criu-bridge";

/** What must be the same on both hosts, and why: CRIU speaks another page protocol, runc writes another description, cgroups lie elsewhere. */
const same = ["criu", "runc", "architecture", "cgroup"] as const;

/**
 * Throws `versions-differ` where a server of `source` could not run on at `target`. Kernels may differ: CRIU checks what it needs. One
 * that is stopped and started brings only its programs.
 */
export function requireCompatible(source: HostVersions, target: HostVersions, mode: MoveMode): void {
  for (const what of mode === "Cold" ? (["architecture"] as const) : same) {
    if (source[what] !== target[what])
      throw bridgeError("versions-differ", { what, source: source[what], target: target[what] });
  }
  if (mode === "Cold") return;
  const present = new Set(target.cpuFlags);
  const missing = source.cpuFlags.filter((flag) => !present.has(flag));
  if (missing.length > 0)
    throw bridgeError("versions-differ", { what: "CPU features", source: missing.join(" "), target: "not these" });
}
