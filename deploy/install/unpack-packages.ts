import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { mustRun } from "./run.ts";

/** Fetches packages of the machine's own sources and lays their files into a folder, without installing them. */
export function unpackPackages(names: readonly string[], root: string): void {
  const folder = mkdtempSync("/tmp/vfleet-install-");
  try {
    mustRun(["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", ...names], { cwd: folder });
    const unfinished = `${root}.unfinished`;
    rmSync(unfinished, { recursive: true, force: true });
    mkdirSync(unfinished, { recursive: true });
    for (const file of readdirSync(folder)) mustRun(["dpkg-deb", "--extract", `${folder}/${file}`, unfinished]);
    renameSync(unfinished, root);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
