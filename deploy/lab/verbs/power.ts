import { findHost, requireHost, stopHost } from "../host.ts";
import { LabError } from "../lab-error.ts";
import { labLayout } from "../layout.ts";
import { withLock } from "../lock.ts";
import { powerOn } from "../power.ts";
import { preflight, requireRoot } from "../preflight.ts";
import { requireAnchor } from "../anchor.ts";
import { requireState } from "../state.ts";
import { boxNames } from "../address.ts";

/** Cuts a host's power. */
export async function crash(name: string, host: string): Promise<void> {
  requireRoot();
  const lab = labLayout(name);
  await withLock(lab, async () => {
    requireHost(lab, host);
    await stopHost(lab, host);
  });
}

/** Powers a host on; its disk is as it was. */
export async function boot(name: string, host: string): Promise<number> {
  preflight();
  const lab = labLayout(name);
  return withLock(lab, async () => {
    const state = requireState(lab);
    requireAnchor(lab);
    if (!boxNames(state).includes(host))
      throw new LabError("host-unknown", `lab "${name}" has no host "${host}"`, "lab status lists them");
    if (findHost(lab, host) !== undefined)
      throw new LabError("host-up", `"${host}" is powered on`, `Crash it first: lab crash ${host}`);
    // It may have died by itself: then what it held goes first.
    await stopHost(lab, host);
    await powerOn(lab, state, host);
    return requireHost(lab, host).pid;
  });
}
