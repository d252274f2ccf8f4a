/** The container that the check moves: a small tree of processes of several users with one TCP server among them. */

export interface BundleOptions {
  readonly rootFolder: string;
  readonly cgroupPath: string;
  /** First of the 65,536 ids that the container's users are mapped to. */
  readonly firstId: number;
  /** Host folders that the container sees, read-only. */
  readonly sharedFolders: readonly string[];
  readonly hook: { readonly path: string; readonly args: readonly string[]; readonly searchPath: string };
  /** CRIU's configuration file for this container. */
  readonly criuConfiguration: string;
}

export const serverPort = 7000;
/** Inside the container; the processes of each are compared before and after. */
export const serverUser = 1001;
export const idleUser = 1002;

/** Counts lines in a variable: the answer can only be right if memory and connection were both kept. */
export const counterScript = 'count=0\nwhile read -r line; do count=$((count + 1)); echo "$count $line"; done\n';
export const counterScriptPath = "/counter.sh";

const initScript = `
setpriv --reuid=${serverUser} --regid=${serverUser} --clear-groups socat TCP-LISTEN:${serverPort},reuseaddr EXEC:"/bin/sh ${counterScriptPath}" &
setpriv --reuid=${idleUser} --regid=${idleUser} --clear-groups sleep 600 &
wait
`;

const capabilities = ["CAP_SETUID", "CAP_SETGID", "CAP_KILL"];

/** An OCI runtime configuration (opencontainers runtime-spec 1.0, config.md). */
export function bundleConfiguration(options: BundleOptions) {
  const idMapping = [{ containerID: 0, hostID: options.firstId, size: 65_536 }];
  return {
    ociVersion: "1.0.2",
    root: { path: options.rootFolder, readonly: false },
    hostname: "vfleet-check",
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args: ["/bin/sh", "-c", initScript],
      env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
      cwd: "/",
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
    },
    mounts: [
      { destination: "/proc", type: "proc", source: "proc" },
      { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755", "size=65536k"] },
      ...options.sharedFolders.map((folder) => ({
        destination: folder,
        type: "bind",
        source: folder,
        options: ["bind", "ro"],
      })),
    ],
    hooks: {
      // The runtime repeats it when it restores, before the sockets are: they need their address.
      createRuntime: [
        {
          path: options.hook.path,
          args: [options.hook.path, ...options.hook.args],
          env: [`PATH=${options.hook.searchPath}`],
        },
      ],
    },
    annotations: { "org.criu.config": options.criuConfiguration },
    linux: {
      cgroupsPath: options.cgroupPath,
      uidMappings: idMapping,
      gidMappings: idMapping,
      // No path for the network: it must belong to the container's own user namespace to be restored.
      namespaces: ["user", "pid", "mount", "network", "uts", "ipc"].map((type) => ({ type })),
      resources: { devices: [{ allow: true, access: "rwm" }] },
    },
  };
}
