import { clientHost, controlHost, nodeNames } from "./address.ts";
import { nodePrograms } from "./agent.ts";
import { startBox } from "./box.ts";
import { attachClient } from "./client.ts";
import { controlPrograms } from "./control-plane.ts";
import { makeDisk } from "./disk.ts";
import { makeHostFolders } from "./folders.ts";
import { hostLayout } from "./layout.ts";
import type { LabLayout } from "./layout.ts";
import type { LabState } from "./state.ts";

/** Powers one host of a lab on, with what belongs on it. */
export async function powerOn(lab: LabLayout, state: LabState, host: string): Promise<void> {
  makeHostFolders(hostLayout(lab, host));
  if (host === controlHost) {
    await startBox({ lab, host, programs: controlPrograms(lab, state.hosts) });
    return;
  }
  if (host === clientHost) {
    await startBox({ lab, host, programs: [], prepare: ({ pid }) => attachClient(pid, nodeNames(state.hosts)) });
    return;
  }
  const programs = nodePrograms(lab, host, state.memoryPerHostBytes);
  await makeDisk(hostLayout(lab, host).diskFile, state.diskPerHostBytes);
  await startBox({ lab, host, programs, memoryBytes: state.memoryPerHostBytes });
}
