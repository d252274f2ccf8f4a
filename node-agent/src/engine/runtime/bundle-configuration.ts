import type { ServerAssignment } from "@vfleet/shared";
import { idBlockSize } from "../kernel/id-namespace.ts";
import { cgroupResources } from "../limits/cgroup-resources.ts";
import { defaultEnvironment, maskedPaths, readonlyPaths } from "./isolation-defaults.ts";
import { isolationProfiles } from "./isolation-profiles.ts";
import { seccompProfile } from "./seccomp-profile.ts";

export interface BundleOptions {
  server: ServerAssignment;
  /** Where the id-mapped volume is mounted. */
  rootFolder: string;
  cgroupsPath: string;
  /** CRIU's configuration file for this container; see `bundleConfiguration`. */
  criuConfigPath: string;
  /** Program that puts the network port into the container, with arguments. */
  networkHook: readonly string[];
  searchPath: string;
}

/** For who stops it: the number of the signal that asks its first process to end (OCI image specification, annotations). */
export const stopSignalAnnotation = "org.opencontainers.image.stopSignal";

/** Group of terminals in Debian. */
const terminalGroup = 5;

/**
 * `config.json` of an OCI bundle (runtime specification 1.0.2), the only place that decides a server's rights. Nothing of
 * the user's reaches annotations, mounts, hooks or namespaces.
 */
export function bundleConfiguration({
  server,
  rootFolder,
  cgroupsPath,
  criuConfigPath,
  networkHook,
  searchPath,
}: BundleOptions) {
  const idMapping = [{ containerID: 0, hostID: server.idBlockStart, size: idBlockSize }];
  const [hookProgram = ""] = networkHook;
  const profile = isolationProfiles[server.isolation];
  const { capabilities } = profile;
  const environment = {
    ...defaultEnvironment,
    HOME: server.user.uid === 0 ? "/root" : "/",
    HOSTNAME: server.hostname,
    ...server.environment,
  };
  return {
    ociVersion: "1.0.2",
    root: { path: rootFolder, readonly: false },
    hostname: server.hostname,
    process: {
      terminal: false,
      user: { uid: server.user.uid, gid: server.user.gid },
      args: server.command,
      env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
      cwd: server.workingDirectory,
      // No rlimits: the agent's own are inherited, and raising one above them fails without CAP_SYS_RESOURCE.
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
    },
    mounts: [
      { destination: "/proc", type: "proc", source: "proc", options: ["nosuid", "noexec", "nodev"] },
      {
        destination: "/dev",
        type: "tmpfs",
        source: "tmpfs",
        options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
      },
      {
        destination: "/dev/pts",
        type: "devpts",
        source: "devpts",
        options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", `gid=${terminalGroup}`],
      },
      {
        destination: "/dev/shm",
        type: "tmpfs",
        source: "shm",
        options: ["nosuid", "noexec", "nodev", "mode=1777", `size=${Math.floor(server.limits.memoryBytes / 2)}`],
      },
      { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: ["nosuid", "noexec", "nodev"] },
      { destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", "ro"] },
      ...profile.mounts(server.limits.memoryBytes),
    ],
    hooks: {
      // The runtime repeats it when it restores, before the sockets are: they need their address.
      createRuntime: [{ path: hookProgram, args: networkHook, env: [`PATH=${searchPath}`] }],
    },
    // Always set: the annotation names a host file whose action-script runs as host root.
    annotations: { "org.criu.config": criuConfigPath, [stopSignalAnnotation]: profile.stopSignal },
    linux: {
      cgroupsPath,
      uidMappings: idMapping,
      gidMappings: idMapping,
      // No path for the network: it must belong to the server's own user namespace to be restored.
      namespaces: ["user", "pid", "mount", "network", "uts", "ipc", "cgroup"].map((type) => ({ type })),
      resources: cgroupResources(server.limits),
      seccomp: seccompProfile({ mayMount: profile.mayMount }),
      maskedPaths,
      readonlyPaths,
    },
  };
}
