import { existsSync, openSync, closeSync, ftruncateSync, renameSync } from "node:fs";
import { LabError } from "./lab-error.ts";
import { mustRun } from "./run.ts";
import { waitUntil } from "./wait-until.ts";

const detachTimeoutMs = 15_000;

/** Makes a host's disk, a sparse file with an empty btrfs, unless it is there. Half-made ones never carry the name. */
export async function makeDisk(file: string, sizeBytes: number): Promise<void> {
  if (existsSync(file)) return;
  const unfinished = `${file}.new`;
  const handle = openSync(unfinished, "w", 0o600);
  ftruncateSync(handle, sizeBytes);
  closeSync(handle);
  await mustRun(["mkfs.btrfs", "--quiet", "--force", unfinished]);
  renameSync(unfinished, file);
}

/** Loop devices over files below a folder. */
export async function loopsBelow(folder: string): Promise<readonly string[]> {
  const listed = JSON.parse(
    (await mustRun(["losetup", "--list", "--json", "--output", "NAME,BACK-FILE"])) || "{}",
  ) as unknown;
  const devices = isListing(listed) ? listed.loopdevices : [];
  return devices.filter((device) => device["back-file"]?.startsWith(`${folder}/`)).map(({ name }) => name);
}

/**
 * Waits until the kernel has let go of the loop devices below a folder. It does so by itself after the last mount; mounting
 * the same file system a second time before that would make btrfs see one disk twice.
 */
export async function waitForDetach(folder: string): Promise<void> {
  const isDetached = await waitUntil(async () => (await loopsBelow(folder)).length === 0, detachTimeoutMs);
  if (isDetached) return;
  const devices = (await loopsBelow(folder)).join(", ");
  throw new LabError(
    "left-behind",
    `loop devices ${devices} over files in "${folder}" are still in use`,
    "Find who holds their mount: grep loop /proc/*/mountinfo",
  );
}

interface LoopListing {
  readonly loopdevices: readonly { readonly name: string; readonly "back-file"?: string }[];
}

function isListing(value: unknown): value is LoopListing {
  return typeof value === "object" && value !== null && "loopdevices" in value && Array.isArray(value.loopdevices);
}
