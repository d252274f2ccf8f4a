/** An OCI configuration as plain as it gets: root's own redis, in the network namespace `bench`. */
export function bundleConfig(rootFolder: string, criuConfigFile: string): object {
  return {
    ociVersion: "1.0.2",
    annotations: { "org.criu.config": criuConfigFile },
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args: ["redis-server", "--bind", "0.0.0.0", "--protected-mode", "no", "--save", "", "--dir", "/tmp"],
      env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
      cwd: "/",
      capabilities: { bounding: [], effective: [], permitted: [], inheritable: [] },
      noNewPrivileges: true,
    },
    root: { path: rootFolder, readonly: false },
    hostname: "bench",
    mounts: [
      { destination: "/proc", type: "proc", source: "proc" },
      { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755", "size=65536k"] },
      {
        destination: "/dev/pts",
        type: "devpts",
        source: "devpts",
        options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"],
      },
      { destination: "/dev/shm", type: "tmpfs", source: "shm", options: ["nosuid", "noexec", "nodev", "mode=1777"] },
    ],
    linux: {
      cgroupsPath: "/vfleet-bench",
      namespaces: [
        { type: "pid" },
        { type: "ipc" },
        { type: "uts" },
        { type: "mount" },
        { type: "network", path: "/run/netns/bench" },
      ],
    },
  };
}
