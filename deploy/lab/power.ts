import { clientHost, isControl, nodeNames } from "./address.ts";
import { nodePrograms } from "./agent.ts";
import { attachClient } from "./client.ts";
import { controlPrograms } from "./control-plane.ts";
import { makeDisk } from "./disk.ts";
import { makeHostFolders } from "./folders.ts";
import { kindOf } from "./kind-of.ts";
import { hostLayout } from "./layout.ts";
import type { LabLayout } from "./layout.ts";
import type { LabState } from "./state.ts";
import { guestServersCgroup } from "./vm/guest-boot.ts";
import { makeGuestFolder } from "./vm/vm.ts";

/** Powers one host of a lab on, with what belongs on it. */
export async function powerOn(lab: LabLayout, state: LabState, host: string): Promise<void> {
  makeHostFolders(hostLayout(lab, host));
  if (isControl(host)) {
    await kindOf(lab, host).start({ lab, host, programs: controlPrograms(lab, host, state) });
    return;
  }
  if (host === clientHost) {
    const prepare = (pid: number) => attachClient(pid, nodeNames(state.hosts));
    await kindOf(lab, host).start({ lab, host, programs: [], prepare });
    return;
  }
  const isVm = state.nodes === "vm";
  const layout = hostLayout(lab, host);
  const cpu = state.milliCpuPerHost === undefined ? {} : { milliCpu: state.milliCpuPerHost };
  const box = { memoryBytes: state.memoryPerHostBytes, ...cpu, cgroupParent: layout.serversCgroup };
  const { controllers } = state;
  // A virtual machine's agent sees the memory it has; a box's would see the machine's.
  const programs = nodePrograms(lab, host, { controllers, ...(isVm ? { cgroupParent: guestServersCgroup } : box) });
  await makeDisk(layout.diskFile, state.diskPerHostBytes);
  if (isVm) await makeGuestFolder(lab, host, state.diskPerHostBytes);
  await kindOf(lab, host).start({ lab, host, programs, memoryBytes: state.memoryPerHostBytes, ...cpu });
}
