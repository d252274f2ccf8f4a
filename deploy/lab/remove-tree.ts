import { existsSync, readFileSync } from "node:fs";
import { LabError } from "./lab-error.ts";
import { mustRun } from "./run.ts";

/** Mount points at or below a folder, in this process's mount namespace. */
export function mountsBelow(
  folder: string,
  mountinfo: string = readFileSync("/proc/self/mountinfo", "utf8"),
): readonly string[] {
  const points = mountinfo.split("\n").map((line) => line.split(" ")[4] ?? "");
  return points.filter((point) => point === folder || point.startsWith(`${folder}/`));
}

/** Removes a folder and all in it, but never walks into a mount: a recursive delete across one has emptied file systems before. */
export async function removeTree(folder: string): Promise<void> {
  if (!existsSync(folder)) return;
  const mounts = mountsBelow(folder);
  if (mounts.length > 0)
    throw new LabError(
      "left-behind",
      `"${folder}" still has mounts: ${mounts.join(", ")}`,
      "Unmount them, then try again",
    );
  await mustRun(["rm", "-rf", "--one-file-system", "--", folder]);
}
