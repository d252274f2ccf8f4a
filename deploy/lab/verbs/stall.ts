import { requireHost } from "../host.ts";
import { kindOf } from "../kind-of.ts";
import { labLayout } from "../layout.ts";
import { requireRoot } from "../preflight.ts";

/** Stops everything in a host where it stands. */
export async function stall(name: string, host: string): Promise<void> {
  requireRoot();
  const lab = labLayout(name);
  requireHost(lab, host);
  await kindOf(lab, host).stall(lab, host);
}

export async function resume(name: string, host: string): Promise<void> {
  requireRoot();
  const lab = labLayout(name);
  requireHost(lab, host);
  await kindOf(lab, host).resume(lab, host);
}
