import { execFile, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { MoveMode } from "@vfleet/shared";

const execute = promisify(execFile);
const program = fileURLToPath(new URL("box.ts", import.meta.url));
const prefix = process.env["VFLEET_PREFIX"] ?? "/opt/vfleet";
const path = `${prefix}/bin:${process.env["PATH"] ?? ""}`;

export interface BoxOptions {
  scenario: string;
  megabytes: number;
  mode: MoveMode;
  /** Whether the server writes its values to its volume, too. */
  appendOnly: boolean;
  timeoutMs: number;
  /** Where the stream is harmed: at so many frames of each kind. */
  perKind?: number;
  /** None: all. */
  kinds?: readonly string[] | undefined;
}

/** Runs a scenario of moves. */
export async function inBox<T>(options: BoxOptions): Promise<T> {
  const { scenario, megabytes, mode, appendOnly, timeoutMs, perKind = 1, kinds = [] } = options;
  const parameters = [scenario, String(megabytes), mode, String(perKind), ...kinds];
  return runInBox({ program, parameters, appendOnly, timeoutMs });
}

/**
 * Runs a program that prints one JSON value, in namespaces of its own, which end with their first process: nothing that is mounted or started
 * there stays. It gets a folder and then its parameters.
 */
export async function runInBox<T>(options: {
  program: string;
  parameters: readonly string[];
  appendOnly: boolean;
  timeoutMs: number;
}): Promise<T> {
  const { program, parameters, appendOnly, timeoutMs } = options;
  const folder = mkdtempSync(join(tmpdir(), "vfleet-box-"));
  const name = folder.slice(-6);
  const own = ["--pid", "--fork", "--kill-child", "--mount-proc", "--ipc", "--uts", "--net"];
  const namespaces = [...own, "--mount", "--propagation", "private"];
  const box = [process.execPath, program, folder, ...parameters];
  const env = { ...process.env, PATH: path, BOX_NAME: name, BOX_APPEND_ONLY: appendOnly ? "yes" : "no" };
  try {
    const { stdout } = await execute("unshare", [...namespaces, "--", ...box], {
      timeout: timeoutMs,
      maxBuffer: 16 * 1024 * 1024,
      env,
    });
    // Printed by the box itself.
    return JSON.parse(stdout) as T;
  } finally {
    removeCgroups("/sys/fs/cgroup", `vfleet-bridge-${name}`);
    rmSync(folder, { recursive: true });
  }
}

/** Rounds of memory need that. */
export function kernelTracksWrites(): boolean {
  return spawnSync(`${prefix}/bin/criu`, ["check", "--feature", "mem_dirty_track"]).status === 0;
}

/** Empty groups only, so nothing else can be removed. */
function removeCgroups(parent: string, wanted: string): void {
  for (const hierarchy of existsSync(parent) ? [parent, ...subfolders(parent)] : [])
    removeTree(join(hierarchy, wanted));
}

function removeTree(group: string): void {
  if (!existsSync(group)) return;
  for (const child of subfolders(group)) removeTree(child);
  rmdirSync(group);
}

function subfolders(folderPath: string): string[] {
  return readdirSync(folderPath, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(folderPath, entry.name));
}
