import { chownSync, lstatSync, mkdirSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { counterScript, counterScriptPath } from "./bundle.ts";

const programFolders = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"];

/**
 * A root that has the host's programs and libraries, mounted read-only, and nothing else.
 * Returns which of the host's folders the container must mount.
 */
export function makeRootFolder(root: string, ownerId: number): readonly string[] {
  const shared = ["/usr"];
  mkdirSync(root, { recursive: true });
  for (const name of ["usr", "proc", "dev", "tmp", "etc"]) mkdirSync(`${root}/${name}`);
  for (const name of programFolders) {
    const entry = lstatSync(`/${name}`, { throwIfNoEntry: false });
    // Links into /usr on a merged system, folders of their own on an older one.
    if (entry?.isSymbolicLink() === true) symlinkSync(readlinkSync(`/${name}`), `${root}/${name}`);
    if (entry?.isDirectory() === true) {
      mkdirSync(`${root}/${name}`);
      shared.push(`/${name}`);
    }
  }
  writeFileSync(`${root}${counterScriptPath}`, counterScript);
  for (const path of [root, `${root}/proc`, `${root}/dev`, `${root}/tmp`]) chownSync(path, ownerId, ownerId);
  return shared;
}
