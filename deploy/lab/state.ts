import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { controllerCounts, maxHosts } from "./address.ts";
import { LabError } from "./lab-error.ts";
import type { LabLayout } from "./layout.ts";

const stateSchema = z.strictObject({
  version: z.literal(1),
  name: z.string(),
  hosts: z.number().int().min(1).max(maxHosts),
  controllers: z
    .number()
    .refine((count) => controllerCounts.includes(count))
    .default(1),
  /** What the nodes are; control and client are always boxes. */
  nodes: z.enum(["box", "vm"]).default("box"),
  memoryPerHostBytes: z.number().int(),
  /** That a host's servers share; none: all of the machine's. */
  milliCpuPerHost: z.number().int().optional(),
  diskPerHostBytes: z.number().int(),
  /** 127.0.0.1:port of the API on the machine. */
  apiPort: z.number().int(),
  /** Pairs of hosts whose packets are lost: from one to the other. */
  cuts: z.array(z.strictObject({ from: z.string(), to: z.string() })),
});
/** What a lab is, as opposed to what runs of it: that is looked up each time. */
export type LabState = z.infer<typeof stateSchema>;

export function readState(lab: LabLayout): LabState | undefined {
  if (!existsSync(lab.stateFile)) return undefined;
  try {
    return stateSchema.parse(JSON.parse(readFileSync(lab.stateFile, "utf8")));
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message.replaceAll("\n", " ") : String(thrown);
    throw new LabError(
      "state-invalid",
      `"${lab.stateFile}": ${reason}`,
      `Take it down and start anew: lab down --name ${lab.name}`,
    );
  }
}

export function requireState(lab: LabLayout): LabState {
  const state = readState(lab);
  if (state === undefined)
    throw new LabError("lab-unknown", `there is no lab "${lab.name}"`, `Start it: lab up --hosts 3 --name ${lab.name}`);
  return state;
}

/** Replaces the file whole, so that a crash leaves the old or the new one. */
export function writeState(lab: LabLayout, state: LabState): void {
  const unfinished = `${lab.stateFile}.new`;
  writeFileSync(unfinished, `${JSON.stringify(state, undefined, 2)}\n`);
  renameSync(unfinished, lab.stateFile);
}
