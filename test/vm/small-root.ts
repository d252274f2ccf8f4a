import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import { installedPaths } from "../../deploy/install/where.ts";
import { run } from "../fleet/program.ts";

/**
 * A tar file with the smallest root that has a redis: the machine's own program with its libraries, and a shell. An image
 * of packages takes minutes to unpack where every instruction is emulated.
 */
export async function makeSmallRoot(tarFile: string): Promise<void> {
  const folder = mkdtempSync(`${tmpdir()}/vfleet-root-`);
  try {
    for (const each of ["bin", "dev", "etc", "proc", "root", "run", "srv", "sys", "tmp", "var"])
      mkdirSync(`${folder}/${each}`);
    copyFileSync(`${installedPaths().guestFolder}/bin/busybox`, `${folder}/bin/busybox`);
    for (const name of ["sh", "cat", "ls", "sync", "sleep"]) symlinkSync("busybox", `${folder}/bin/${name}`);
    writeFileSync(`${folder}/etc/passwd`, "root:x:0:0:root:/root:/bin/sh\n");
    writeFileSync(`${folder}/etc/group`, "root:x:0:\n");
    for (const program of ["/usr/bin/redis-server", "/usr/bin/redis-cli"]) {
      const linked = await run("ldd", [program]);
      for (const file of [program, ...sharedLibraries(linked.stdout)]) copy(file, `${folder}${file}`);
    }
    const packed = await run("tar", [
      "--create",
      "--file",
      tarFile,
      "--directory",
      folder,
      "--owner=0",
      "--group=0",
      ".",
    ]);
    if (packed.code !== 0) throw new Error(packed.stderr);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Files that ldd(1) names, the loader among them. */
function sharedLibraries(ldd: string): readonly string[] {
  return [...ldd.matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm)].map(([, file = ""]) => file);
}

function copy(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
}
