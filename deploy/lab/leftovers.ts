import { existsSync } from "node:fs";
import { foldersIn, killCgroup, processesIn, removeCgroup } from "./cgroups.ts";
import { loopsBelow, waitForDetach } from "./disk.ts";
import { outsidePrograms } from "./forwarder.ts";
import { killRecorded, waitForEnd } from "./identity.ts";
import { cgroupRoot, labsFolder, outsideIdentity } from "./layout.ts";
import type { LabLayout } from "./layout.ts";
import { hostLayout } from "./layout.ts";
import { removeTree } from "./remove-tree.ts";

/** Ends every process of a lab and waits until the kernel has taken back what they held. Its files stay. */
export async function stopEverything(lab: LabLayout, boxes: readonly string[]): Promise<void> {
  const identities = [
    lab.anchorIdentity,
    ...outsidePrograms.map((name) => outsideIdentity(lab, name)),
    ...boxes.map((host) => hostLayout(lab, host).identity),
  ];
  // The anchor is the first process of the PID namespace that all boxes are in: the others go with it.
  for (const file of identities) killRecorded(file);
  // What is frozen can't die before it is thawed; what no file speaks of is still in the lab's cgroup.
  await killCgroup(lab.cgroup);
  for (const file of identities) await waitForEnd(file);
  await waitForDetach(lab.folder);
  await removeCgroup(lab.cgroup);
}

/** Removes the files of a stopped lab, and what labs share if it was the last. */
export async function removeFiles(lab: LabLayout): Promise<void> {
  await removeTree(lab.folder);
  if (foldersIn(cgroupRoot).every((folder) => folder.endsWith(cgroupRoot))) await removeCgroup(cgroupRoot);
}

/** What of a lab is there though it should be gone: one sentence each. */
export async function findLeftovers(lab: LabLayout): Promise<readonly string[]> {
  const found: string[] = [];
  const pids = processesIn(lab.cgroup);
  if (pids.length > 0) found.push(`processes ${pids.join(", ")}`);
  found.push(...foldersIn(lab.cgroup).map((folder) => `cgroup ${folder}`));
  if (existsSync(labsFolder)) found.push(...(await loopsBelow(lab.folder)).map((device) => `loop device ${device}`));
  if (existsSync(lab.folder)) found.push(`folder ${lab.folder}`);
  return found;
}
