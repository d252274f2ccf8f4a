import { compileCacheFolder } from "../compile-cache.ts";
import { underlayAddress, underlayPrefixLength } from "../address.ts";
import { boxRunFolder, hostLayout, imageCacheFolder } from "../layout.ts";
import type { LabLayout } from "../layout.ts";
import { scripts } from "../namespaces.ts";
import { commandPort } from "./command-frame.ts";
import { guestFiles } from "./guest-files.ts";

/** Of the agent's servers: the same on all, since CRIU restores a server into the cgroup it had where there is version 2 only. */
export const guestServersCgroup = "/vfleet";

/** Words for the guest's first program: the kernel hands on what stands after `--` in its command line. */
export function initArguments(options: {
  readonly lab: LabLayout;
  readonly host: string;
  readonly modulesFolder: string;
  readonly init: string;
}): readonly string[] {
  const { lab, host, modulesFolder, init } = options;
  const layout = hostLayout(lab, host);
  const address = underlayAddress(host);
  return [
    `${import.meta.dirname}/guest/start.sh`,
    layout.folder,
    modulesFolder,
    host,
    `${address}/${underlayPrefixLength}`,
    init,
    `${scripts}/programs.sh`,
    boxRunFolder,
    guestServersCgroup,
    `${imageCacheFolder}:${compileCacheFolder}`,
    process.execPath,
    `${import.meta.dirname}/command-server.ts`,
    address,
    String(commandPort),
    guestFiles(layout).token,
  ];
}
