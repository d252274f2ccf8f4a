import { readFileSync } from "node:fs";
import { arch, release } from "node:os";

export interface Machine {
  readonly distribution: string;
  /** Major Debian release: "12". */
  readonly debianVersion: string;
  /** "bookworm", "trixie". */
  readonly codename: string;
  readonly kernelRelease: string;
  readonly architecture: string;
  readonly isRoot: boolean;
  /** Effective capabilities, bit by bit. */
  readonly capabilities: bigint;
}

export function readMachine(): Machine {
  const osRelease = parseOsRelease(readIfThere("/etc/os-release") ?? "");
  return {
    distribution: osRelease["ID"] ?? "unknown",
    debianVersion: osRelease["VERSION_ID"] ?? "",
    codename: osRelease["VERSION_CODENAME"] ?? "",
    kernelRelease: release(),
    architecture: arch(),
    isRoot: process.geteuid?.() === 0,
    capabilities: parseCapabilities(readIfThere("/proc/self/status") ?? ""),
  };
}

/** `KEY=value` and `KEY="value"` lines (os-release(5)). */
export function parseOsRelease(text: string): Readonly<Record<string, string>> {
  const lines = text.matchAll(/^([A-Z_]+)=["']?(.*?)["']?$/gm);
  return Object.fromEntries([...lines].map(([, key = "", value = ""]) => [key, value]));
}

/** The effective set of a `/proc/PID/status` (proc_pid_status(5)). */
export function parseCapabilities(status: string): bigint {
  const hex = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  return hex === undefined ? 0n : BigInt(`0x${hex}`);
}

export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
