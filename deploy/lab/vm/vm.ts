import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { requireAnchor } from "../anchor.ts";
import { underlayAddress } from "../address.ts";
import { makeCgroup, processFiles } from "../cgroups.ts";
import { createToken } from "../../pki/token.ts";
import type { HostKind, HostStart } from "../host-kind.ts";
import { findHost, requireHost } from "../host.ts";
import { writeIdentity } from "../identity.ts";
import { LabError } from "../lab-error.ts";
import { boxRunFolder, hostLayout } from "../layout.ts";
import type { LabLayout } from "../layout.ts";
import { startNamespaces } from "../namespaces.ts";
import { writePrograms } from "../program-file.ts";
import { findInit } from "../reaping-init.ts";
import { mustRun, run } from "../run.ts";
import { connectTap } from "../underlay.ts";
import { waitUntil } from "../wait-until.ts";
import { commandPort } from "./command-frame.ts";
import { guestFiles } from "./guest-files.ts";
import { initArguments } from "./guest-boot.ts";
import { makeInitramfs } from "./initramfs.ts";
import { fileServer, requireGuestSystem } from "./preflight.ts";
import { fileServerArguments, qemuArguments } from "./qemu-arguments.ts";
import { runScript } from "./run-script.ts";

const bootTimeoutMs = 240_000;

/** A host that is a virtual machine: a kernel of its own under the machine's files. */
export const vmKind: HostKind = {
  start: startVm,
  command: inVm,
  programPids: async (lab, host) => {
    const list = 'cd "$1" && for f in *.pid; do read -r p <"$f" && [ -d "/proc/$p" ] && echo "${f%.pid} $p"; done; :';
    const listed = await run(inVm(lab, host, ["sh", "-c", list, "sh", boxRunFolder]));
    const lines = listed.stdout.split("\n").filter((line) => line !== "");
    return new Map(lines.map((line) => line.split(" ")).map(([name = "", pid]) => [name, Number(pid)]));
  },
  stall: async (lab, host) => void process.kill(requireHost(lab, host).pid, "SIGSTOP"),
  resume: async (lab, host) => void process.kill(requireHost(lab, host).pid, "SIGCONT"),
};

async function startVm({ lab, host, programs, memoryBytes = 0, prepare }: HostStart): Promise<void> {
  const system = requireGuestSystem();
  const anchor = requireAnchor(lab);
  const layout = hostLayout(lab, host);
  const files = guestFiles(layout);
  writePrograms(layout.programsFolder, programs);
  makeCgroup(layout.systemCgroup);
  writeFileSync(files.token, `${createToken()}\n`, { mode: 0o600 });
  await makeInitramfs({
    guestSystem: system.folder,
    release: system.release,
    folder: files.initramfsFolder,
    archive: files.initramfs,
  });
  for (const socket of [files.machineSocket, files.hostSocket]) rmSync(socket, { force: true });
  await connectTap(host, anchor.pid);

  const shares = [
    { program: fileServer, folder: "/", socket: files.machineSocket, keeps: true },
    { program: fileServer, folder: layout.folder, socket: files.hostSocket, keeps: false },
  ];
  const emulator = qemuArguments({
    host,
    memoryBytes,
    kernel: system.kernel,
    initramfs: files.initramfs,
    init: initArguments({
      lab,
      host,
      modulesFolder: `${system.folder}/lib/modules/${system.release}`,
      init: findInit(),
    }),
    consoleLog: `${layout.logsFolder}/console.log`,
    machineSocket: files.machineSocket,
    hostSocket: files.hostSocket,
    disks: [files.stateDisk, layout.diskFile],
  });
  const script = `${layout.guestFolder}/run.sh`;
  writeFileSync(
    script,
    runScript(
      shares.map((share) => ({ ...share, command: fileServerArguments(share) })),
      emulator,
    ),
  );
  const started = await startNamespaces({
    command: ["nsenter", "--target", String(anchor.pid), "--net", "--mount", "--pid", "--", "sh", script],
    cgroupFiles: processFiles(layout.systemCgroup),
    logFile: `${layout.logsFolder}/init.log`,
  });
  await prepare?.(started.identity.pid);
  writeIdentity(layout.identity, started.identity);
  started.go();
  await waitForBoot(lab, host);
}

/** Waits until commands can be run in the guest, and gives it the time: its own clock counts whole seconds. */
async function waitForBoot(lab: LabLayout, host: string): Promise<void> {
  const { logsFolder } = hostLayout(lab, host);
  const fail = (reason: string) =>
    new LabError("start-failed", `"${host}" ${reason}`, `Its last words are in ${logsFolder}/console.log and init.log`);
  const isUp = await waitUntil(async () => {
    if (findHost(lab, host) === undefined) throw fail("ended while it started");
    return (await run(inVm(lab, host, ["true"]))).code === 0;
  }, bootTimeoutMs);
  if (!isUp) throw fail(`did not start in ${bootTimeoutMs / 1000} s`);
  await mustRun(inVm(lab, host, ["date", "--set", new Date().toISOString()]));
}

function inVm(lab: LabLayout, host: string, command: readonly string[]): readonly string[] {
  const enter = ["nsenter", "--target", String(requireAnchor(lab).pid), "--net", "--"];
  const client = [process.execPath, `${import.meta.dirname}/command-client.ts`];
  return [
    ...enter,
    ...client,
    underlayAddress(host),
    String(commandPort),
    guestFiles(hostLayout(lab, host)).token,
    ...command,
  ];
}

/** Makes what a host needs to be a virtual machine, unless it is there: from then on it is one. */
export async function makeGuestFolder(lab: LabLayout, host: string, stateBytes: number): Promise<void> {
  const layout = hostLayout(lab, host);
  const { stateDisk } = guestFiles(layout);
  mkdirSync(layout.guestFolder, { recursive: true, mode: 0o700 });
  if (existsSync(stateDisk)) return;
  await mustRun(["mke2fs", "-q", "-t", "ext4", "-F", stateDisk, `${Math.floor(stateBytes / 1024)}k`]);
}
