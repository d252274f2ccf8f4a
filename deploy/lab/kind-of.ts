import { existsSync } from "node:fs";
import { boxKind } from "./box.ts";
import type { HostKind } from "./host-kind.ts";
import { requireHost } from "./host.ts";
import { hostLayout } from "./layout.ts";
import type { LabLayout } from "./layout.ts";
import { vmKind } from "./vm/vm.ts";

/** Known by its files, so that `lab exec` need not read the lab's state. */
export function isVirtualMachine(lab: LabLayout, host: string): boolean {
  return existsSync(hostLayout(lab, host).guestFolder);
}

export function kindOf(lab: LabLayout, host: string): HostKind {
  return isVirtualMachine(lab, host) ? vmKind : boxKind;
}

/** Command line that runs a command in a host; see `HostKind.command`. */
export function inHost(lab: LabLayout, host: string, command: readonly string[]): readonly string[] {
  requireHost(lab, host);
  return kindOf(lab, host).command(lab, host, command);
}
