import { existsSync, readdirSync } from "node:fs";
import { boxNames, isNode, underlayAddress } from "../address.ts";
import { findBox } from "../box.ts";
import { clientOverlayAddress } from "../client.ts";
import { readAlive } from "../identity.ts";
import { hostLayout, imageCacheFolder, labLayout } from "../layout.ts";
import type { LabLayout } from "../layout.ts";
import { programPid } from "../program-signal.ts";
import { readyNodes } from "../readiness.ts";
import { requireState } from "../state.ts";

export interface HostStatus {
  readonly host: string;
  readonly power: "on" | "off";
  /** Machine's process id of its init. */
  readonly pid?: number;
  readonly address: string;
  /** Of nodes: what the API says. */
  readonly ready?: boolean;
  /** Process id as the box counts; none while it restarts. */
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
    hosts: boxNames(state.hosts).map((host) => hostStatus(lab, host, ready)),
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

function hostStatus(lab: LabLayout, host: string, ready: readonly string[] | undefined): HostStatus {
  const layout = hostLayout(lab, host);
  const box = findBox(lab, host);
  const names = existsSync(layout.programsFolder) ? readdirSync(layout.programsFolder) : [];
  return {
    host,
    power: box === undefined ? "off" : "on",
    ...(box === undefined ? {} : { pid: box.pid }),
    address: underlayAddress(host),
    ...(isNode(host) && ready !== undefined ? { ready: ready.includes(host) } : {}),
    programs: Object.fromEntries(
      box === undefined ? [] : names.map((name) => [name, programPid(box.pid, name) ?? null]),
    ),
    logs: layout.logsFolder,
    config: layout.configFile,
  };
}
