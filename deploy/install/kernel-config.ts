import { existsSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { readFileSync } from "node:fs";
import { readIfThere } from "./machine.ts";
import { run } from "./run.ts";

/** How the running kernel has a feature: `built-in`, as a `module`, `absent`, or `unknown` where nothing tells. */
export type FeatureState = "built-in" | "module" | "absent" | "unknown";

/** `CONFIG_X=y` lines of the running kernel, from the kernel itself or from where distributions put them. */
export function readKernelConfig(kernelRelease: string): string | undefined {
  try {
    if (existsSync("/proc/config.gz")) return gunzipSync(readFileSync("/proc/config.gz")).toString("utf8");
  } catch {
    // Unreadable here: the file of the distribution may still tell.
  }
  return readIfThere(`/boot/config-${kernelRelease}`) ?? readIfThere(`/lib/modules/${kernelRelease}/config`);
}

export function configState(config: string | undefined, option: string): FeatureState {
  if (config === undefined) return "unknown";
  const value = new RegExp(`^${option}=([ym])$`, "m").exec(config)?.[1];
  if (value === "y") return "built-in";
  return value === "m" ? "module" : "absent";
}

/** Whether the module is loaded or could be; loads nothing. */
export function isModuleLoadable(module: string): boolean {
  return existsSync(`/sys/module/${module}`) || run(["modprobe", "--dry-run", "--quiet", module]).ok;
}
