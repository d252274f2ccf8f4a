import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { InstallError } from "./install-error.ts";

/** The script through which a program starts with the libraries it was built for, whatever the system's are. */
export function launcherScript(options: {
  readonly root: string;
  readonly loader: string;
  readonly libraries: string;
  readonly program: string;
}): string {
  const name = options.program.split("/").at(-1) ?? "";
  return `#!/bin/sh
# Starts ${name} with the libraries it was built for. Written by vfleet's installer.
root=${options.root}
exec "$root/${options.loader}" --argv0 ${name} --library-path "$root/${options.libraries}" "$root/${options.program}" "$@"
`;
}

/** Where an unpacked libc6 has its loader, relative to `root`. */
export function findLoader(root: string): { readonly loader: string; readonly libraries: string } {
  const triplet = readdirSync(`${root}/usr/lib`).find((name) => name.endsWith("-linux-gnu"));
  const libraries = `usr/lib/${triplet ?? ""}`;
  for (const folder of [libraries, "usr/lib", "usr/lib64"]) {
    const names = existsSync(`${root}/${folder}`) ? readdirSync(`${root}/${folder}`) : [];
    const loader = names.find((name) => /^ld-linux.*\.so\.\d+$/.test(name));
    if (loader !== undefined) return { loader: `${folder}/${loader}`, libraries };
  }
  throw new InstallError(
    "NO_WORKING_PACKAGE",
    `no program loader in ${root}`,
    "Report this with the output of the installer",
  );
}

/** Replaced in one step, so that a program being started meets the old or the new. */
export function writeLauncher(path: string, script: string): void {
  mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  writeFileSync(`${path}.new`, script);
  chmodSync(`${path}.new`, 0o755);
  renameSync(`${path}.new`, path);
}

export function linkProgram(path: string, target: string): void {
  mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  if (isLinkTo(path, target)) return;
  rmSync(`${path}.new`, { force: true });
  symlinkSync(target, `${path}.new`);
  renameSync(`${path}.new`, path);
}

function isLinkTo(path: string, target: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true && readlinkSync(path) === target;
}
