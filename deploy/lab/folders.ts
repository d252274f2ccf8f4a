import { chmodSync, mkdirSync } from "node:fs";
import { labsFolder } from "./layout.ts";
import type { HostLayout, LabLayout } from "./layout.ts";

/** May be walked through by anyone and listed by nobody: a server's own root, which is no user of the machine, must reach its file system. */
const passage = 0o711;
const closed = 0o700;

export function makeLabFolders(lab: LabLayout): void {
  for (const folder of [labsFolder, lab.folder, lab.socketFolder]) makeFolder(folder, passage);
  for (const folder of [lab.pkiFolder, lab.binFolder, lab.logsFolder]) makeFolder(folder, closed);
}

export function makeHostFolders(layout: HostLayout): void {
  for (const folder of [layout.folder, layout.volumesFolder, layout.temporaryFolder]) makeFolder(folder, passage);
  for (const folder of [layout.stateFolder, layout.programsFolder, layout.logsFolder, layout.failpointFolder])
    makeFolder(folder, closed);
}

function makeFolder(folder: string, mode: number): void {
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, mode);
}
