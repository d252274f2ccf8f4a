import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { bundleConfiguration } from "./bundle.ts";
import { boxNetwork } from "./box-network.ts";
import { runProgram, searchPath } from "./program.ts";
import { makeRootFolder } from "./root-folder.ts";
import {
  checkpointArguments,
  deleteArguments,
  logFile,
  processListArguments,
  restoreArguments,
  runArguments,
  stateArguments,
} from "./runc-arguments.ts";
import type { ContainerPlace } from "./runc-arguments.ts";

const operationTimeoutMs = 15_000;
/** Far above what accounts use; nothing of the host is mapped into the container. */
const firstId = 1_000_000_000;

/** The container that the check dumps and restores. */
export class CheckContainer {
  readonly #place: ContainerPlace;

  constructor(folder: string, cgroupPath: string) {
    this.#place = {
      stateFolder: `${folder}/runc`,
      runtimeLog: `${folder}/runc.log`,
      bundleFolder: `${folder}/bundle`,
      id: "check",
      imageFolder: `${folder}/images`,
      workFolder: `${folder}/work`,
    };
    const { bundleFolder, imageFolder, workFolder } = this.#place;
    for (const each of [bundleFolder, imageFolder, workFolder]) mkdirSync(each, { recursive: true });
    const criuConfiguration = `${folder}/criu.conf`;
    // The iptables lock starts a program for each rule; the runtime makes the container's control group by itself.
    writeFileSync(criuConfiguration, "network-lock nftables\nmanage-cgroups ignore\n");
    const rootFolder = `${folder}/root`;
    const configuration = bundleConfiguration({
      rootFolder,
      cgroupPath,
      firstId,
      criuConfiguration,
      sharedFolders: makeRootFolder(rootFolder, firstId),
      hook: {
        path: new URL("attach-network.sh", import.meta.url).pathname,
        args: [boxNetwork.serverWithPrefix, boxNetwork.serverMac],
        searchPath: searchPath(),
      },
    });
    writeFileSync(`${bundleFolder}/config.json`, JSON.stringify(configuration));
  }

  start(): void {
    this.#operate(runArguments(this.#place));
  }

  checkpoint(): void {
    this.#operate(checkpointArguments(this.#place), logFile(this.#place, "dump"));
  }

  restore(): void {
    this.#operate(restoreArguments(this.#place), logFile(this.#place, "restore"));
  }

  delete(): void {
    runProgram(deleteArguments(this.#place));
  }

  get pid(): number {
    const state: unknown = JSON.parse(runProgram(stateArguments(this.#place)).stdout);
    if (typeof state === "object" && state !== null && "pid" in state && typeof state.pid === "number")
      return state.pid;
    throw new Error("runc does not tell the container's process");
  }

  /** Users of all processes as the container sees them, in order. */
  processUsers(): readonly number[] {
    const pids: unknown = JSON.parse(runProgram(processListArguments(this.#place)).stdout);
    if (!Array.isArray(pids)) throw new Error("runc does not tell the container's processes");
    return pids.map((pid) => userOf(Number(pid)) - firstId).sort((a, b) => a - b);
  }

  #operate(command: readonly string[], criuLog?: string): void {
    const finished = runProgram(command, { timeoutMs: operationTimeoutMs, silent: true });
    if (finished.ok) return;
    const logs = [
      ...lastErrors(this.#place.runtimeLog, /level=error/),
      ...(criuLog ? lastErrors(criuLog, /Error/) : []),
    ];
    throw new Error(logs.join("\n         ") || "failed and left no reason");
  }
}

function userOf(pid: number): number {
  return Number(/^Uid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

/** A program that crashed has no error in its log, but a last line. */
function lastErrors(path: string, pattern: RegExp): readonly string[] {
  const lines = (existsSync(path) ? readFileSync(path, "utf8") : "").split("\n").filter((line) => line !== "");
  const errors = lines.filter((line) => pattern.test(line));
  return errors.length > 0 ? errors.slice(-3) : lines.slice(-1);
}
