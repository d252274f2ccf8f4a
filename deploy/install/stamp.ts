import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { readIfThere } from "./machine.ts";
import { installedPaths } from "./where.ts";

/** What the last complete run found working. It only saves repeating what cannot have changed since. */
export interface Stamp {
  readonly version: 1;
  readonly kernelRelease: string;
  /** What the migration check ran with; equal means that it need not be repeated at once. */
  readonly checkedWith: string;
}

export function readStamp(prefix: string): Stamp | undefined {
  const text = readIfThere(installedPaths(prefix).stampFile);
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isStamp(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export function writeStamp(prefix: string, stamp: Stamp): void {
  const path = installedPaths(prefix).stampFile;
  mkdirSync(prefix, { recursive: true });
  writeFileSync(`${path}.new`, `${JSON.stringify(stamp, null, 2)}\n`);
  renameSync(`${path}.new`, path);
}

function isStamp(value: unknown): value is Stamp {
  return (
    typeof value === "object" &&
    value !== null &&
    "version" in value &&
    value.version === 1 &&
    "kernelRelease" in value &&
    typeof value.kernelRelease === "string" &&
    "checkedWith" in value &&
    typeof value.checkedWith === "string"
  );
}
