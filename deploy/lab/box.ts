import { existsSync } from "node:fs";
import { requireAnchor } from "./anchor.ts";
import { killCgroup, limitMemory, makeCgroup, processFiles } from "./cgroups.ts";
import { waitForDetach } from "./disk.ts";
import { killRecorded, readAlive, waitForEnd, writeIdentity } from "./identity.ts";
import type { ProcessIdentity } from "./identity.ts";
import { LabError } from "./lab-error.ts";
import { boxRunFolder, hostLayout } from "./layout.ts";
import type { LabLayout } from "./layout.ts";
import { scripts, startNamespaces } from "./namespaces.ts";
import { writePrograms } from "./program-file.ts";
import type { BoxProgram } from "./program-file.ts";
import { findInit } from "./reaping-init.ts";
import { removeTree } from "./remove-tree.ts";
import { connectBox } from "./underlay.ts";

export interface BoxOptions {
  readonly lab: LabLayout;
  readonly host: string;
  readonly programs: readonly BoxProgram[];
  readonly memoryBytes?: number;
  /** Runs once the box has its namespaces and its link, before its programs. */
  readonly prepare?: (box: ProcessIdentity) => Promise<void>;
}

/** Powers a host on. */
export async function startBox({ lab, host, programs, memoryBytes, prepare }: BoxOptions): Promise<ProcessIdentity> {
  const layout = hostLayout(lab, host);
  const anchor = requireAnchor(lab);
  writePrograms(layout.programsFolder, programs);
  makeCgroup(layout.systemCgroup);
  makeCgroup(layout.serversCgroup);
  if (memoryBytes !== undefined) limitMemory(layout.cgroup, memoryBytes);

  const disk = existsSync(layout.diskFile) ? [layout.diskFile, layout.volumesFolder] : [];
  const enterLab = ["nsenter", "--target", String(anchor.pid), "--net", "--mount", "--pid", "--"];
  const ownNamespaces = ["unshare", "--net", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child", "--"];
  const init = [`${scripts}/init.sh`, host, findInit(), layout.programsFolder, boxRunFolder, ...disk];
  const started = await startNamespaces({
    command: [...enterLab, ...ownNamespaces, "sh", ...init],
    cgroupFiles: processFiles(layout.systemCgroup),
    logFile: `${layout.logsFolder}/init.log`,
  });
  await connectBox({ host, anchorPid: anchor.pid, boxPid: started.identity.pid });
  await prepare?.(started.identity);
  writeIdentity(layout.identity, started.identity);
  started.go();
  return started.identity;
}

/** Cuts a host's power: everything in it ends at once. Its disk stays as it is. */
export async function stopBox(lab: LabLayout, host: string): Promise<void> {
  const layout = hostLayout(lab, host);
  killRecorded(layout.identity);
  // What a dump froze cannot die, and keeps the init from ending: this thaws it.
  await killCgroup(layout.cgroup);
  await waitForEnd(layout.identity);
  await waitForDetach(layout.folder);
  await removeTree(layout.temporaryFolder);
}

export function findBox(lab: LabLayout, host: string): ProcessIdentity | undefined {
  return readAlive(hostLayout(lab, host).identity);
}

/** The init of a running host. */
export function requireBox(lab: LabLayout, host: string): ProcessIdentity {
  const box = findBox(lab, host);
  if (box !== undefined) return box;
  requireAnchor(lab);
  if (!existsSync(hostLayout(lab, host).folder) || host === "pki" || host === "bin" || host === "logs") {
    throw new LabError("host-unknown", `lab "${lab.name}" has no host "${host}"`, "lab status lists them");
  }
  throw new LabError("host-down", `"${host}" is powered off`, `Boot it: lab boot ${host} --name ${lab.name}`);
}

/** Command line that runs a command in a box's namespaces and cgroups. It dies when the one that started it does. */
export function inBox(lab: LabLayout, host: string, command: readonly string[]): readonly string[] {
  const { pid } = requireBox(lab, host);
  const join = ["sh", `${scripts}/in-cgroup.sh`, processFiles(hostLayout(lab, host).systemCgroup).join(" ")];
  const enter = ["nsenter", "--target", String(pid), "--mount", "--uts", "--ipc", "--net", "--pid", "--wdns=/", "--"];
  return [...join, ...enter, "setpriv", "--pdeathsig", "TERM", "--", ...command];
}
