import { existsSync, readdirSync } from "node:fs";
import { systemEnvironment } from "@vfleet/shared";
import { processesOf } from "../../criu/container-tasks.ts";
import { hostFolders } from "./host-folders.ts";
import { containerOf } from "./host-ports.ts";
import { runSync } from "./run.ts";
import { slowness } from "./slowness.ts";

const tearDownLimitMs = 10_000 * slowness;

/** What each host holds, and links and programs of either, once what ends by itself has ended. */
export async function heldIn(box: string, hosts: readonly string[]): Promise<Record<string, string[]>> {
  await untilTornDown();
  return Object.fromEntries([...hosts.map((host) => [host, heldBy(box, host)]), ["machine", heldByMachine()]]);
}

function heldBy(box: string, host: string): string[] {
  const folders = hostFolders(box, host);
  const subvolumes = runSync("btrfs", "subvolume", "list", folders.volumes).trim().split("\n").filter(Boolean);
  return [
    ...namesIn(folders.runtimeRoot).map((name) => `container ${name}`),
    ...(processesOf(containerOf(box, host)).size > 0 ? ["tasks"] : []),
    ...subvolumes.map((line) => `volume ${line.split(" path ")[1] ?? ""}`),
    ...namesIn(`${folders.run}/migrations`).map((name) => `operation ${name}`),
  ];
}

/** The kernel takes away a network namespace a moment after its last task, and what fills memory ends by itself. */
async function untilTornDown(): Promise<void> {
  const startMs = systemEnvironment.monotonicMs();
  while (heldByMachine().some((name) => !name.endsWith("joined"))) {
    if (systemEnvironment.monotonicMs() - startMs > tearDownLimitMs) return;
    await systemEnvironment.sleep(10);
  }
}

function heldByMachine(): string[] {
  const links = runSync("ip", "-o", "link", "show", "type", "veth").trim().split("\n").filter(Boolean);
  const joined = runSync("bridge", "link", "show")
    .split("\n")
    .filter((line) => line.includes("state forwarding"));
  return [
    ...links.map((line) => {
      const name = /ve-[ab]/.exec(line)?.[0] ?? "link";
      return `${name} ${joined.some((port) => port.includes(name)) ? "joined" : "apart"}`;
    }),
    ...programsOfMoves(),
  ];
}

/** Those that dump, restore and send, and all that work in an operation's folder. */
function programsOfMoves(): string[] {
  return runSync("ps", "-eo", "args=")
    .split("\n")
    .filter((line) => /^(\S*\/)?(criu|runc|btrfs) |\/migrations\//.test(line));
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}
