import { chmodSync, copyFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { mustRun } from "../run.ts";

/** What must be there before the machine's files are: the buses, the disks, the network and the file systems of the root. */
const earlyModules = ["virtio_pci", "virtio_blk", "virtio_net", "virtiofs", "overlay"];

/** Makes the archive that a guest starts from: a shell, kernel modules and the first program. */
export async function makeInitramfs(options: {
  readonly guestSystem: string;
  readonly release: string;
  readonly folder: string;
  readonly archive: string;
}): Promise<void> {
  const { guestSystem, release, folder, archive } = options;
  rmSync(folder, { recursive: true, force: true });
  for (const each of ["bin", "modules", "proc", "sys", "dev", "machine", "layer", "root"])
    mkdirSync(`${folder}/${each}`, { recursive: true });
  const shell = `${guestSystem}/bin/busybox`;
  copyFileSync(shell, `${folder}/bin/busybox`);
  copyFileSync(`${import.meta.dirname}/guest/init`, `${folder}/init`);
  chmodSync(`${folder}/init`, 0o755);
  const modules = new Set<string>();
  for (const name of earlyModules) {
    const shown = ["modprobe", "--dirname", guestSystem, "--set-version", release, "--show-depends", name];
    for (const file of moduleFiles(await mustRun(shown))) modules.add(file);
  }
  for (const file of modules) copyFileSync(file, `${folder}/modules/${basename(file)}`);
  writeFileSync(`${folder}/modules/order`, [...modules].map((file) => `${basename(file)}\n`).join(""));
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" }).toSorted();
  const pack = ["env", `--chdir=${folder}`, shell, "cpio", "-o", "-H", "newc", "-F", archive];
  await mustRun(pack, names.map((name) => `${name}\n`).join(""));
}

/** The files that modprobe(8) `--show-depends` names, in the order in which they must be loaded. */
export function moduleFiles(shown: string): readonly string[] {
  return [...shown.matchAll(/^insmod (\S+)/gm)].map(([, file = ""]) => file);
}
