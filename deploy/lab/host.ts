import { existsSync } from "node:fs";
import { requireAnchor } from "./anchor.ts";
import { killCgroup } from "./cgroups.ts";
import { waitForDetach } from "./disk.ts";
import { killRecorded, readAlive, waitForEnd } from "./identity.ts";
import type { ProcessIdentity } from "./identity.ts";
import { LabError } from "./lab-error.ts";
import { hostLayout } from "./layout.ts";
import type { LabLayout } from "./layout.ts";
import { removeTree } from "./remove-tree.ts";

/** The first process of a host, if it is on. */
export function findHost(lab: LabLayout, host: string): ProcessIdentity | undefined {
  return readAlive(hostLayout(lab, host).identity);
}

export function requireHost(lab: LabLayout, host: string): ProcessIdentity {
  const found = findHost(lab, host);
  if (found !== undefined) return found;
  requireAnchor(lab);
  if (!existsSync(hostLayout(lab, host).folder) || host === "pki" || host === "bin" || host === "logs") {
    throw new LabError("host-unknown", `lab "${lab.name}" has no host "${host}"`, "lab status lists them");
  }
  throw new LabError("host-down", `"${host}" is powered off`, `Boot it: lab boot ${host} --name ${lab.name}`);
}

/** Cuts a host's power: everything in it ends at once. Its disk stays as it is. */
export async function stopHost(lab: LabLayout, host: string): Promise<void> {
  const layout = hostLayout(lab, host);
  killRecorded(layout.identity);
  // What a dump froze cannot die, and keeps the init from ending: this thaws it.
  await killCgroup(layout.cgroup);
  await waitForEnd(layout.identity);
  await waitForDetach(layout.folder);
  await removeTree(layout.temporaryFolder);
}
