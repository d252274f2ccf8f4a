import { linkSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { identityOf, readAlive, writeIdentity } from "./identity.ts";
import { LabError } from "./lab-error.ts";
import { labsFolder } from "./layout.ts";
import type { LabLayout } from "./layout.ts";

/** Runs an action that changes a lab while no other does. The lock of a program that died is taken over. */
export async function withLock<T>(lab: LabLayout, action: () => Promise<T>): Promise<T> {
  mkdirSync(labsFolder, { recursive: true });
  take(lab.lockFile);
  try {
    return await action();
  } finally {
    rmSync(lab.lockFile, { force: true });
  }
}

function take(file: string): void {
  const mine = `${file}.${process.pid}`;
  const identity = identityOf(process.pid);
  if (identity === undefined) throw new LabError("lab-busy", "/proc says nothing of this program", "Mount /proc");
  writeIdentity(mine, identity);
  try {
    // A link is made whole or not at all, and not over another.
    linkSync(mine, file);
  } catch {
    const holder = readAlive(file);
    if (holder !== undefined) {
      throw new LabError("lab-busy", `process ${holder.pid} is changing it`, `Wait for it: ${commandLine(holder.pid)}`);
    }
    rmSync(file, { force: true });
    linkSync(mine, file);
  } finally {
    rmSync(mine, { force: true });
  }
}

function commandLine(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
}
