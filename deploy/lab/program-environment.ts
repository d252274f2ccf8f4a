import { dirname } from "node:path";
import { installedPaths } from "../install/where.ts";
import { compileCacheFolder } from "./compile-cache.ts";
import type { HostLayout } from "./layout.ts";

/** What programs in a box start with: the installed CRIU first on the PATH, and scratch space of the box's own. */
export function programEnvironment({ temporaryFolder }: HostLayout): Readonly<Record<string, string>> {
  const folders = [
    installedPaths().binFolder,
    dirname(process.execPath),
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
  ];
  return {
    PATH: folders.join(":"),
    TMPDIR: temporaryFolder,
    HOME: "/root",
    LANG: "C.UTF-8",
    NODE_COMPILE_CACHE: compileCacheFolder,
  };
}
