import { existsSync, readdirSync, rmdirSync } from "node:fs";
import { everyBoxName } from "../address.ts";
import { cgroupHierarchies } from "../cgroups.ts";
import { LabError } from "../lab-error.ts";
import { cgroupRoot, labLayout, labsFolder } from "../layout.ts";
import { findLeftovers, removeFiles, stopEverything } from "../leftovers.ts";
import { withLock } from "../lock.ts";
import { requireRoot } from "../preflight.ts";

/** Takes labs down, in whatever state they are, and looks that nothing is left. Returns the names of those there were. */
export async function down(names: readonly string[]): Promise<readonly string[]> {
  requireRoot();
  const taken: string[] = [];
  for (const name of names) {
    const lab = labLayout(name);
    if ((await findLeftovers(lab)).length === 0) continue;
    await withLock(lab, async () => {
      await stopEverything(lab, everyBoxName());
      await removeFiles(lab);
    });
    const left = await findLeftovers(lab);
    if (left.length > 0) throw new LabError("left-behind", left.join("; "), `Try again: lab down --name ${name}`);
    taken.push(name);
  }
  removeIfEmpty(labsFolder);
  return taken;
}

function removeIfEmpty(folder: string): void {
  if (existsSync(folder) && readdirSync(folder).length === 0) rmdirSync(folder);
}

/** Every lab that has a folder or a cgroup. */
export function labNames(): readonly string[] {
  const folders = [labsFolder, ...cgroupHierarchies().map(({ folder }) => `${folder}${cgroupRoot}`)].filter((folder) =>
    existsSync(folder),
  );
  const names = folders.flatMap((folder) =>
    readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory()),
  );
  return [...new Set(names.map(({ name }) => name))].sort();
}
