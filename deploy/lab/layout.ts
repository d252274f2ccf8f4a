import { LabError } from "./lab-error.ts";

/** Where everything of one lab lies. Pure: nothing here looks at the disk. */
export interface LabLayout {
  readonly name: string;
  readonly folder: string;
  readonly stateFile: string;
  readonly anchorIdentity: string;
  readonly pkiFolder: string;
  readonly binFolder: string;
  readonly logsFolder: string;
  readonly kubeconfig: string;
  readonly tokenFile: string;
  /** The controller's API on a Unix socket, seen from inside and outside. */
  readonly apiSocket: string;
  /** The package proxy, likewise. */
  readonly packageSocket: string;
  /** Of the sockets: no host's own, or that of the only controller. */
  readonly socketFolder: string;
  /** Path below each cgroup hierarchy. */
  readonly cgroup: string;
  readonly lockFile: string;
}

export interface HostLayout {
  readonly host: string;
  readonly folder: string;
  /** Machine's pid of the first process of the box, or of the emulator, when it runs. */
  readonly identity: string;
  readonly configFile: string;
  readonly stateFolder: string;
  readonly volumesFolder: string;
  readonly diskFile: string;
  readonly temporaryFolder: string;
  readonly programsFolder: string;
  readonly logsFolder: string;
  readonly failpointFolder: string;
  /** Of a host that is a virtual machine: sockets, initramfs, a second disk. */
  readonly guestFolder: string;
  readonly cgroup: string;
  /** Of the box's own programs: a leaf, since cgroup v2 allows processes nowhere else. */
  readonly systemCgroup: string;
  /** Below it the agent makes the servers' cgroups. */
  readonly serversCgroup: string;
}

export const labsFolder = "/var/lib/vfleet-lab";
export const cgroupRoot = "/vfleet-lab";
/** Shared by all hosts of all labs; kept by `lab down`, because what is in it costs minutes. */
export const imageCacheFolder = "/var/cache/vfleet/images";
/** Inside a host: process ids of its programs. */
export const boxRunFolder = "/run/vfleet-lab";

const namePattern = /^[a-z0-9]([a-z0-9-]{0,22}[a-z0-9])?$/;

export function labLayout(name: string): LabLayout {
  if (!namePattern.test(name)) {
    throw new LabError(
      "name-invalid",
      `"${name}" is not a name`,
      "Use 1 to 24 lower-case letters, digits and dashes, such as --name test-2",
    );
  }
  const folder = `${labsFolder}/${name}`;
  return {
    name,
    folder,
    stateFile: `${folder}/lab.json`,
    anchorIdentity: `${folder}/anchor.pid`,
    pkiFolder: `${folder}/pki`,
    binFolder: `${folder}/bin`,
    logsFolder: `${folder}/logs`,
    kubeconfig: `${folder}/kubeconfig`,
    tokenFile: `${folder}/token`,
    apiSocket: `${folder}/control/api.sock`,
    packageSocket: `${folder}/control/packages.sock`,
    socketFolder: `${folder}/control`,
    cgroup: `${cgroupRoot}/${name}`,
    lockFile: `${labsFolder}/.${name}.lock`,
  };
}

export function hostLayout(lab: LabLayout, host: string): HostLayout {
  const folder = `${lab.folder}/${host}`;
  const cgroup = `${lab.cgroup}/${host}`;
  return {
    host,
    folder,
    identity: `${folder}/init.pid`,
    configFile: `${folder}/config.json`,
    stateFolder: `${folder}/state`,
    volumesFolder: `${folder}/volumes`,
    diskFile: `${folder}/volumes.btrfs`,
    temporaryFolder: `${folder}/tmp`,
    programsFolder: `${folder}/programs`,
    logsFolder: `${folder}/logs`,
    failpointFolder: `${folder}/failpoints`,
    guestFolder: `${folder}/guest`,
    cgroup,
    systemCgroup: `${cgroup}/system`,
    serversCgroup: `${cgroup}/servers`,
  };
}

/** Programs started outside the boxes: one identity file each. */
export function outsideIdentity(lab: LabLayout, program: string): string {
  return `${lab.folder}/${program}.pid`;
}
