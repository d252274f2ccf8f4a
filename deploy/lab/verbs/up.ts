import { readdirSync, rmSync } from "node:fs";
import { parseBytes, parseMilliCpu, systemEnvironment } from "@vfleet/shared";
import { boxNames, clientHost, controllerCounts, controlNames, everyBoxName, maxHosts, nodeNames } from "../address.ts";
import { startAnchor } from "../anchor.ts";
import { makeCgroup } from "../cgroups.ts";
import { floodTo } from "../client.ts";
import { writeNatsConfig } from "../control-plane.ts";
import { makeCredentials } from "../credentials.ts";
import { makeHostFolders, makeLabFolders } from "../folders.ts";
import { freePort, isFree, startApiForwarder, startPackageProxy } from "../forwarder.ts";
import { findHost } from "../host.ts";
import { readAlive } from "../identity.ts";
import { LabError } from "../lab-error.ts";
import { hostLayout, labLayout, labsFolder, outsideIdentity } from "../layout.ts";
import type { LabLayout } from "../layout.ts";
import { removeFiles, stopEverything } from "../leftovers.ts";
import { withLock } from "../lock.ts";
import { applyCuts } from "../partition.ts";
import { powerOn } from "../power.ts";
import { preflight } from "../preflight.ts";
import { signalProgram } from "../program-signal.ts";
import { waitForReady } from "../readiness.ts";
import { readState, writeState } from "../state.ts";
import type { LabState } from "../state.ts";
import { bridgeCommands, ipBatch } from "../underlay.ts";
import { writeKubeconfig } from "../kubeconfig.ts";
import { requireGuestSystem } from "../vm/preflight.ts";
import { writeWrappers } from "../wrappers.ts";

export interface UpOptions {
  readonly name: string;
  readonly hosts?: number;
  readonly controllers?: number;
  /** Makes each node a virtual machine with a kernel of its own. */
  readonly vm?: boolean;
  /** Quantities such as `4Gi`. */
  readonly memoryPerHost?: string;
  readonly cpusPerHost?: string;
  readonly diskPerHost?: string;
  readonly wait: boolean;
}

const defaults = {
  box: { hosts: 3, memoryPerHost: "4Gi", diskPerHost: "20Gi" },
  vm: { hosts: 2, memoryPerHost: "1536Mi", diskPerHost: "20Gi" },
} as const;
const minimumMemoryBytes = 512 * 1024 ** 2;
const minimumMilliCpu = 100;
const minimumDiskBytes = 512 * 1024 ** 2;
const readyTimeoutMs = { box: 60_000, vm: 300_000 } as const;

/** Brings a lab to what was asked for: makes what is missing, boots what is off, leaves alone what runs. */
export async function up(options: UpOptions): Promise<LabState> {
  const lab = labLayout(options.name);
  preflight();
  if (options.vm === true) requireGuestSystem();
  const state = await withLock(lab, async () => {
    const before = readState(lab);
    const wanted = await wantedState(lab, options, before);
    try {
      await bringUp(lab, wanted);
    } catch (thrown) {
      // A new lab that did not start is in nobody's way; one that ran before is left for a look.
      if (before === undefined) {
        await stopEverything(lab, boxNames(wanted));
        await removeFiles(lab);
      }
      throw thrown;
    }
    return wanted;
  });
  if (options.wait) await waitForReady(lab, state, readyTimeoutMs[state.nodes]);
  return state;
}

/** What the options and what is there make together; refuses what would have to destroy something. */
async function wantedState(lab: LabLayout, options: UpOptions, before: LabState | undefined): Promise<LabState> {
  const nodes = options.vm === true ? "vm" : (before?.nodes ?? "box");
  const usual = defaults[nodes];
  const hosts = options.hosts ?? before?.hosts ?? usual.hosts;
  const controllers = options.controllers ?? before?.controllers ?? 1;
  const memoryPerHostBytes = wantedBytes(options.memoryPerHost, before?.memoryPerHostBytes, usual.memoryPerHost);
  const diskPerHostBytes = wantedBytes(options.diskPerHost, before?.diskPerHostBytes, usual.diskPerHost);
  const milliCpuPerHost =
    options.cpusPerHost === undefined ? before?.milliCpuPerHost : parseMilliCpu(options.cpusPerHost);
  const hint = `Take it down first: lab down --name ${lab.name}`;
  if (!Number.isInteger(hosts) || hosts < 1 || hosts > maxHosts)
    throw new LabError("quantity-invalid", `${hosts} hosts`, `Use 1 to ${maxHosts}`);
  if (!controllerCounts.includes(controllers))
    throw new LabError("quantity-invalid", `${controllers} controllers`, `Use ${controllerCounts.join(" or ")}`);
  if (before !== undefined && controllers !== before.controllers)
    throw new LabError("lab-differs", `"${lab.name}" has ${before.controllers} controllers`, hint);
  if (memoryPerHostBytes < minimumMemoryBytes)
    throw new LabError("quantity-invalid", `${memoryPerHostBytes} bytes of memory per host`, "Use 512Mi or more");
  if (diskPerHostBytes < minimumDiskBytes)
    throw new LabError("quantity-invalid", `${diskPerHostBytes} bytes of disk per host`, "Use 512Mi or more");
  if (milliCpuPerHost !== undefined && (milliCpuPerHost < minimumMilliCpu || nodes === "vm"))
    throw new LabError(
      "quantity-invalid",
      `${milliCpuPerHost} thousandths of a CPU per host`,
      "Use 100m or more, and no virtual machines",
    );
  if (before !== undefined && milliCpuPerHost !== before.milliCpuPerHost)
    throw new LabError("lab-differs", `hosts of "${lab.name}" have another number of CPUs`, hint);
  if (before !== undefined && nodes !== before.nodes)
    throw new LabError("lab-differs", `hosts of "${lab.name}" are no virtual machines`, hint);
  if (before !== undefined && hosts < before.hosts)
    throw new LabError("lab-differs", `"${lab.name}" has ${before.hosts} hosts, ${hosts} were asked for`, hint);
  if (
    before !== undefined &&
    (memoryPerHostBytes !== before.memoryPerHostBytes || diskPerHostBytes !== before.diskPerHostBytes)
  ) {
    throw new LabError("lab-differs", `hosts of "${lab.name}" have another amount of memory or disk`, hint);
  }
  const forwarderRuns = readAlive(outsideIdentity(lab, "api-forwarder")) !== undefined;
  const keepsPort = before !== undefined && (forwarderRuns || (await isFree(before.apiPort)));
  const apiPort = keepsPort ? before.apiPort : await freePort(portsOfOthers(lab));
  const cuts = before?.cuts ?? [];
  const perHost = {
    memoryPerHostBytes,
    diskPerHostBytes,
    ...(milliCpuPerHost === undefined ? {} : { milliCpuPerHost }),
  };
  return { version: 1, name: lab.name, hosts, controllers, nodes, ...perHost, apiPort, cuts };
}

function wantedBytes(asked: string | undefined, before: number | undefined, otherwise: string): number {
  return asked === undefined ? (before ?? parseBytes(otherwise)) : parseBytes(asked);
}

function portsOfOthers(lab: LabLayout): ReadonlySet<number> {
  const names = readdirSync(labsFolder, { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && entry.name !== lab.name,
  );
  const states = names.map(({ name }) => readState(labLayout(name)));
  return new Set(states.flatMap((state) => (state === undefined ? [] : [state.apiPort])));
}

async function bringUp(lab: LabLayout, wanted: LabState): Promise<void> {
  const isAnchored = readAlive(lab.anchorIdentity) !== undefined;
  // After a crash of the machine or of the anchor nothing of the lab works: what is left of it goes, its disks stay.
  if (!isAnchored) await stopEverything(lab, everyBoxName());
  const state = isAnchored ? wanted : { ...wanted, cuts: [] };
  makeLabFolders(lab);
  writeState(lab, state);
  for (const host of controlNames(state.controllers)) makeHostFolders(hostLayout(lab, host));
  makeCgroup(`${lab.cgroup}/system`);
  await makeCredentials(lab, state, systemEnvironment.nowMs());
  if (!isAnchored) {
    rmSync(lab.apiSocket, { force: true });
    const anchor = await startAnchor(lab);
    await ipBatch(anchor.pid, bridgeCommands());
    await applyCuts(anchor.pid, []);
  }
  await tellOfNodes(lab, state);
  const off = boxNames(state).filter((host) => findHost(lab, host) === undefined);
  if (readAlive(outsideIdentity(lab, "package-proxy")) === undefined) await startPackageProxy(lab);
  await startApiForwarder(lab, state.apiPort, state.controllers);
  await Promise.all(off.map((host) => powerOn(lab, state, host)));
  writeKubeconfig(lab, state.apiPort);
  writeWrappers(lab);
}

/** Tells those who run already of nodes that come in; where none does, nothing changes. */
async function tellOfNodes(lab: LabLayout, state: LabState): Promise<void> {
  for (const host of controlNames(state.controllers)) {
    if (findHost(lab, host) !== undefined && writeNatsConfig(lab, host, state))
      await signalProgram({ lab, host, program: "nats", signal: "HUP" });
  }
  const client = findHost(lab, clientHost);
  if (client !== undefined) await floodTo(client.pid, nodeNames(state.hosts));
}
