/** Where the installer puts things and everybody else finds them. Imports nothing, so that anything may import it. */

export interface InstalledPaths {
  readonly prefix: string;
  /** First on the PATH of whoever starts runc, so that it finds the right CRIU. */
  readonly binFolder: string;
  readonly criu: string;
  readonly natsServer: string;
  /** Unpacked packages of newer Debian releases, one folder a name and version. */
  readonly packagesFolder: string;
  /** Kernel, modules and shell of lab hosts that are virtual machines. */
  readonly guestFolder: string;
  /** What was installed for which kernel: docs/install.md. */
  readonly stampFile: string;
}

export const defaultPrefix = "/opt/vfleet";

export function installedPaths(prefix: string = process.env["VFLEET_PREFIX"] ?? defaultPrefix): InstalledPaths {
  const binFolder = `${prefix}/bin`;
  return {
    prefix,
    binFolder,
    criu: `${binFolder}/criu`,
    natsServer: `${binFolder}/nats-server`,
    packagesFolder: `${prefix}/packages`,
    guestFolder: `${prefix}/guest`,
    stampFile: `${prefix}/installed.json`,
  };
}
