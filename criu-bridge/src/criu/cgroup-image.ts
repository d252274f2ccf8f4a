import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { RuncContainer } from "../session/ports.ts";
import type { ContainerRecord } from "./container-record.ts";
import { cgroupTreeSchema, makeCgroupTree, readCgroupTree, setCgroupTree, type CgroupTree } from "./cgroup-tree.ts";

/** Travels beside CRIU's images. */
const imageName = "cgroup-tree.json";
const mounts = "/sys/fs/cgroup";
/** Hierarchies that an init system divides, as runc names them: systemd's own beside version 1, and that of version 2. */
const hierarchies = ["name=systemd", ""] as const;

const imageSchema = z.partialRecord(z.enum(hierarchies), cgroupTreeSchema);
/** What is read of the bundle. */
const bundleSchema = z.object({
  linux: z.object({
    cgroupsPath: z.string(),
    uidMappings: z.array(z.object({ hostID: z.number(), size: z.number() })),
  }),
});

/** Writes down how the frozen server has divided its cgroups, where it has. */
export function writeCgroupImage(imagesFolder: string, paths: ContainerRecord["cgroup_paths"]): void {
  const trees = hierarchies.flatMap((hierarchy) => {
    const top = paths[hierarchy];
    const tree = top === undefined || !existsSync(top) ? [] : readCgroupTree(top);
    return tree.length > 1 ? [[hierarchy, tree] as const] : [];
  });
  if (trees.length > 0) writeFileSync(join(imagesFolder, imageName), JSON.stringify(Object.fromEntries(trees)));
}

/** Before a restore: makes them below the cgroup that the bundle names. */
export function makeImagedCgroups(imagesFolder: string, container: RuncContainer): void {
  for (const { top, tree } of imagedTrees(imagesFolder, container)) makeCgroupTree(top, tree);
}

/** After a restore: what can be set only then. */
export function setImagedCgroups(imagesFolder: string, container: RuncContainer): void {
  for (const { top, tree } of imagedTrees(imagesFolder, container)) setCgroupTree(top, tree);
}

/** Gives the cgroups to other host ids: as many further. */
export function moveCgroupImage(imagesFolder: string, by: number): void {
  const path = join(imagesFolder, imageName);
  if (!existsSync(path)) return;
  const moved = Object.entries(imageSchema.parse(read(path))).map(([hierarchy, tree]) => [
    hierarchy,
    tree.map((folder) => ({ ...folder, uid: folder.uid + by, gid: folder.gid + by })),
  ]);
  writeFileSync(path, JSON.stringify(Object.fromEntries(moved)));
}

function imagedTrees(imagesFolder: string, { bundle }: RuncContainer): { top: string; tree: CgroupTree }[] {
  const path = join(imagesFolder, imageName);
  if (!existsSync(path)) return [];
  const { cgroupsPath, uidMappings } = bundleSchema.parse(read(join(bundle, "config.json"))).linux;
  const isOwn = (id: number) => uidMappings.some(({ hostID, size }) => id >= hostID && id < hostID + size);
  return Object.entries(imageSchema.parse(read(path))).map(([hierarchy, tree]) => {
    const stranger = tree.find(({ uid, gid }) => !isOwn(uid) || !isOwn(gid));
    if (stranger !== undefined) throw new RangeError(`its cgroup "${stranger.path}" is not its own`);
    return { top: join(mountOf(hierarchy), cgroupsPath), tree };
  });
}

function mountOf(hierarchy: string): string {
  if (hierarchy !== "") return join(mounts, "systemd");
  return existsSync(join(mounts, "cgroup.controllers")) ? mounts : join(mounts, "unified");
}

function read(path: string): unknown {
  return JSON.parse(readFileSync(path, "utf8"));
}
