import { existsSync, readFileSync, readdirSync } from "node:fs";
import { requireAnchor } from "./anchor.ts";
import { limitCpu, limitMemory, makeCgroup, processFiles, processesIn } from "./cgroups.ts";
import type { HostKind, HostStart } from "./host-kind.ts";
import { requireHost } from "./host.ts";
import { writeIdentity } from "./identity.ts";
import { boxRunFolder, hostLayout } from "./layout.ts";
import type { LabLayout } from "./layout.ts";
import { scripts, startNamespaces } from "./namespaces.ts";
import { writePrograms } from "./program-file.ts";
import { findInit } from "./reaping-init.ts";
import { mustRun } from "./run.ts";
import { connectBox } from "./underlay.ts";

/** A host made of namespaces, which shares the machine's kernel and files. */
export const boxKind: HostKind = {
  start: startBox,
  command: inBox,
  programPids: async (lab, host) => {
    const { pid } = requireHost(lab, host);
    const found = readdirSync(hostLayout(lab, host).programsFolder).map(
      (name) => [name, programPid(pid, name)] as const,
    );
    return new Map(found.filter((entry): entry is readonly [string, number] => entry[1] !== undefined));
  },
  stall: (lab, host) => signalEveryone(lab, host, "STOP"),
  resume: async (lab, host) => {
    await signalEveryone(lab, host, "CONT");
    // nsenter(1) stops itself when its child is stopped: those that `lab exec` left outside the namespace go on too.
    for (const pid of processesIn(hostLayout(lab, host).systemCgroup)) process.kill(pid, "SIGCONT");
  },
};

async function startBox({ lab, host, programs, memoryBytes, milliCpu, prepare }: HostStart): Promise<void> {
  const layout = hostLayout(lab, host);
  const anchor = requireAnchor(lab);
  writePrograms(layout.programsFolder, programs);
  makeCgroup(layout.systemCgroup);
  makeCgroup(layout.serversCgroup);
  if (memoryBytes !== undefined) limitMemory(layout.cgroup, memoryBytes);
  if (milliCpu !== undefined) limitCpu(layout.serversCgroup, milliCpu);

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
  await prepare?.(started.identity.pid);
  writeIdentity(layout.identity, started.identity);
  started.go();
}

function inBox(lab: LabLayout, host: string, command: readonly string[]): readonly string[] {
  const { pid } = requireHost(lab, host);
  const join = ["sh", `${scripts}/in-cgroup.sh`, processFiles(hostLayout(lab, host).systemCgroup).join(" ")];
  const enter = ["nsenter", "--target", String(pid), "--mount", "--uts", "--ipc", "--net", "--pid", "--wdns=/", "--"];
  return [...join, ...enter, "setpriv", "--pdeathsig", "TERM", "--", ...command];
}

/** A program's process id, as the box counts. */
function programPid(boxPid: number, program: string): number | undefined {
  try {
    // The root link leads into the box's mounts, and there to its own /run and /proc.
    const pid = readFileSync(`/proc/${boxPid}/root${boxRunFolder}/${program}.pid`, "utf8").trim();
    return existsSync(`/proc/${boxPid}/root/proc/${pid}`) ? Number(pid) : undefined;
  } catch {
    return undefined;
  }
}

async function signalEveryone(lab: LabLayout, host: string, signal: "STOP" | "CONT"): Promise<void> {
  const { pid } = requireHost(lab, host);
  // The namespace's first process is not among "everyone", and can be stopped from outside only.
  process.kill(pid, `SIG${signal}`);
  await mustRun(["nsenter", "--target", String(pid), "--pid", "--", "sh", `${scripts}/signal-all.sh`, signal]);
}
