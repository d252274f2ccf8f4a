import { existsSync, readdirSync } from "node:fs";
import { boxNames, isNode, underlayAddress } from "../address.ts";
import { clientOverlayAddress } from "../client.ts";
import { findHost } from "../host.ts";
import { isVirtualMachine, kindOf } from "../kind-of.ts";
import { readAlive } from "../identity.ts";
import { hostLayout, imageCacheFolder, labLayout } from "../layout.ts";
import type { LabLayout } from "../layout.ts";
import { readyNodes } from "../readiness.ts";
import { requireState } from "../state.ts";

export interface HostStatus {
  readonly host: string;
  readonly power: "on" | "off";
  readonly kind: "box" | "vm";
  /** Machine's process id of its init, or of its emulator. */
  readonly pid?: number;
  readonly address: string;
  /** Of nodes: what the API says. */
  readonly ready?: boolean;
  /** Process id as the host counts; none while it restarts. */
  readonly programs: Readonly<Record<string, number | null>>;
  readonly logs: string;
  readonly config: string;
}

/** How a lab is. */
export async function status(name: string) {
  const lab = labLayout(name);
  const state = requireState(lab);
  const ready = await readyNodes(lab);
  return {
    name,
    up: readAlive(lab.anchorIdentity) !== undefined,
    api: { url: `https://127.0.0.1:${state.apiPort}`, socket: lab.apiSocket, answers: ready !== undefined },
    kubeconfig: lab.kubeconfig,
    folder: lab.folder,
    imageCacheFolder,
    clientOverlayAddress,
    cuts: state.cuts,
    hosts: await Promise.all(boxNames(state).map((host) => hostStatus(lab, host, ready))),
  };
}

export type LabStatus = Awaited<ReturnType<typeof status>>;

export function statusText({ name, up, api, hosts, cuts, kubeconfig, folder }: LabStatus): string {
  const rows = hosts.map(({ host, power, address, ready, programs }) => {
    const running = Object.entries(programs).map(([program, pid]) =>
      pid === null ? `${program} (restarting)` : program,
    );
    return [host, power, address, ready === undefined ? "" : ready ? "ready" : "not ready", running.join(", ")];
  });
  const table = [["HOST", "POWER", "ADDRESS", "NODE", "PROGRAMS"], ...rows];
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = table.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  const cutLines = cuts.map(({ from, to }) => `cut: ${from} -> ${to}`);
  return [
    `lab ${name}: ${up ? "up" : "down"}, API ${api.url} ${api.answers ? "answers" : "does not answer"}`,
    `kubeconfig ${kubeconfig}, files ${folder}`,
    ...lines,
    ...cutLines,
    "",
  ].join("\n");
}

async function hostStatus(lab: LabLayout, host: string, ready: readonly string[] | undefined): Promise<HostStatus> {
  const layout = hostLayout(lab, host);
  const first = findHost(lab, host);
  const pids = first === undefined ? undefined : await kindOf(lab, host).programPids(lab, host);
  const names = existsSync(layout.programsFolder) ? readdirSync(layout.programsFolder) : [];
  return {
    host,
    power: first === undefined ? "off" : "on",
    kind: isVirtualMachine(lab, host) ? "vm" : "box",
    ...(first === undefined ? {} : { pid: first.pid }),
    address: underlayAddress(host),
    ...(isNode(host) && ready !== undefined ? { ready: ready.includes(host) } : {}),
    programs: Object.fromEntries(pids === undefined ? [] : names.map((name) => [name, pids.get(name) ?? null])),
    logs: layout.logsFolder,
    config: layout.configFile,
  };
}
