import { processFiles } from "./cgroups.ts";
import { readAlive, writeIdentity } from "./identity.ts";
import type { ProcessIdentity } from "./identity.ts";
import { LabError } from "./lab-error.ts";
import type { LabLayout } from "./layout.ts";
import { scripts, startNamespaces } from "./namespaces.ts";
import { findInit } from "./reaping-init.ts";

/**
 * Starts the process that holds a lab together: its network namespace has the underlay bridge, its mount namespace is
 * the parent of every box's, and its PID namespace holds all of them, so that killing it leaves no process behind.
 */
export async function startAnchor(lab: LabLayout): Promise<ProcessIdentity> {
  const started = await startNamespaces({
    command: [
      "unshare",
      "--net",
      "--mount",
      "--pid",
      "--fork",
      "--kill-child",
      "--",
      "sh",
      `${scripts}/anchor.sh`,
      findInit(),
    ],
    cgroupFiles: processFiles(`${lab.cgroup}/system`),
    logFile: `${lab.logsFolder}/anchor.log`,
  });
  writeIdentity(lab.anchorIdentity, started.identity);
  started.go();
  return started.identity;
}

export function requireAnchor(lab: LabLayout): ProcessIdentity {
  const anchor = readAlive(lab.anchorIdentity);
  if (anchor !== undefined) return anchor;
  throw new LabError("lab-unknown", `no lab "${lab.name}" is up`, `Start it: lab up --hosts 3 --name ${lab.name}`);
}
