import { readFile } from "node:fs/promises";
import type { NodeTelemetry } from "@vfleet/shared";

/** `some avg10` of the kernel's pressure stall information (Documentation/accounting/psi.rst), per cent. */
export function parsePressure(text: string): number {
  return Number(/^some avg10=([\d.]+)/m.exec(text)?.[1] ?? 0);
}

export async function readPressure(): Promise<NodeTelemetry["host"]["pressure"]> {
  const [cpu, memory, io] = await Promise.all(
    ["cpu", "memory", "io"].map((what) => readFile(`/proc/pressure/${what}`, "utf8").catch(() => "")),
  );
  return { cpu: parsePressure(cpu ?? ""), memory: parsePressure(memory ?? ""), io: parsePressure(io ?? "") };
}
