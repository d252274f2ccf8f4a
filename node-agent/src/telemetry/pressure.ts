import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Pressure, Stall } from "@vfleet/shared";
import { statMember } from "../engine/limits/cgroup-usage.ts";

/** Of version 2, alone or beside version 1: only there the kernel counts for each cgroup. */
const unifiedRoots = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];

/** The kernel's pressure stall information (Documentation/accounting/psi.rst); none where it says nothing. */
export function parseStall(text: string): Stall | undefined {
  const some = lineOf(text, "some");
  if (some === undefined) return undefined;
  const full = lineOf(text, "full");
  return { some, ...(full === undefined ? {} : { full }) };
}

/** Of the whole machine. */
export function readMachinePressure(): Promise<Pressure> {
  return readPressure((resource) => `/proc/pressure/${resource}`);
}

/** Of a cgroup and those below it; empty where the kernel doesn't count it. */
export async function readCgroupPressure(cgroupPath: string): Promise<Pressure> {
  const folders = unifiedRoots.map((root) => join(root, cgroupPath));
  const found = await Promise.all(folders.map((folder) => readPressure((name) => join(folder, `${name}.pressure`))));
  return found.find((pressure) => Object.keys(pressure).length > 0) ?? {};
}

/** Of one server; empty also where its processes are in hierarchies of version 1 only, and the folder beside these has none. */
export async function readServerPressure(cgroupPath: string): Promise<Pressure> {
  const events = await Promise.all(
    unifiedRoots.map((root) => readFile(join(root, cgroupPath, "cgroup.events"), "utf8").catch(() => "")),
  );
  return events.some((text) => statMember(text, "populated") === 1) ? readCgroupPressure(cgroupPath) : {};
}

async function readPressure(fileOf: (resource: string) => string): Promise<Pressure> {
  const [cpu, memory, io] = await Promise.all(
    ["cpu", "memory", "io"].map(async (resource) =>
      parseStall(await readFile(fileOf(resource), "utf8").catch(() => "")),
    ),
  );
  return {
    ...(cpu === undefined ? {} : { cpu }),
    ...(memory === undefined ? {} : { memory }),
    ...(io === undefined ? {} : { io }),
  };
}

function lineOf(text: string, word: "some" | "full"): Stall["some"] | undefined {
  const found = new RegExp(`^${word} avg10=([\\d.]+) avg60=([\\d.]+) avg300=[\\d.]+ total=(\\d+)`, "m").exec(text);
  if (found === null) return undefined;
  return {
    avg10Percent: Number(found[1]),
    avg60Percent: Number(found[2]),
    totalMicroseconds: Number(found[3]),
  };
}
