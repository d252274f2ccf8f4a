import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { freezerOf, thaw } from "./freezer.ts";
import type { RuncContainer } from "../session/ports.ts";

/** Rounds of killing: a task that is being born is seen in the next one. */
const killRounds = 3;

/** Host ids of a container's processes by their ids inside it; its own groups below its group included. */
export function processesOf(container: RuncContainer): Map<number, number> {
  const freezer = freezerOf(container);
  const processes = new Map<number, number>();
  for (const hostId of freezer === undefined ? [] : hostIdsIn(dirname(freezer.file))) {
    const inside = idInside(hostId);
    if (inside !== undefined) processes.set(inside, hostId);
  }
  return processes;
}

/** Stops the tasks where they are, beside CRIU that holds them: they stay so if CRIU dies. */
export function freeze(container: RuncContainer): void {
  const freezer = freezerOf(container);
  if (freezer !== undefined) writeFileSync(freezer.file, freezer.frozen);
}

/** Ends the tasks before they can run another instruction: frozen ones get the signal first and are let go then. */
export function killTasks(container: RuncContainer): void {
  const freezer = freezerOf(container);
  if (freezer === undefined || !existsSync(freezer.file)) return;
  writeFileSync(freezer.file, freezer.frozen);
  for (let round = 0; round < killRounds; round++) {
    for (const hostId of hostIdsIn(dirname(freezer.file))) kill(hostId);
  }
  thaw(freezer);
}

function kill(hostId: number): void {
  try {
    process.kill(hostId, "SIGKILL");
  } catch {
    // Gone already.
  }
}

function hostIdsIn(group: string): number[] {
  if (!existsSync(group)) return [];
  const own = readFileSync(join(group, "cgroup.procs"), "utf8").split("\n").filter(Boolean).map(Number);
  const below = readdirSync(group, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [...own, ...below.flatMap(({ name }) => hostIdsIn(join(group, name)))];
}

/** The last of its ids, which is that of the innermost namespace (proc(5), NSpid). */
function idInside(hostId: number): number | undefined {
  try {
    const ids = /^NSpid:\s*(.*)$/m.exec(readFileSync(`/proc/${hostId}/status`, "utf8"))?.[1]?.split(/\s+/);
    return ids === undefined || ids.length < 2 ? undefined : Number(ids.at(-1));
  } catch {
    return undefined;
  }
}
