import type { RuncContainer } from "../session/ports.ts";
import { writeCgroupImage } from "./cgroup-image.ts";
import { readContainerRecord } from "./container-record.ts";
import { nameWatchedLinks } from "./watched-links.ts";

/** Adds to the images of a dumped server, while it is frozen, what CRIU leaves out and another host needs. */
export function completeImages(imagesFolder: string, container: RuncContainer): void {
  const record = readContainerRecord(container);
  if (record === undefined) return;
  nameWatchedLinks(imagesFolder, record.init_process_pid);
  writeCgroupImage(imagesFolder, record.cgroup_paths);
}
