export interface PackageChoice {
  readonly name: string;
  readonly purpose: string;
  /** Units that the package enables, which vfleet doesn't want to run beside its own. */
  readonly units?: readonly string[];
}

/** What a host needs, from the machine's own distribution. */
export const hostPackages: readonly PackageChoice[] = [
  { name: "runc", purpose: "creates, checkpoints and restores containers" },
  { name: "conmon", purpose: "holds a container's output and exit code while the agent restarts" },
  { name: "btrfs-progs", purpose: "images, volumes, snapshots and incremental send" },
  { name: "iproute2", purpose: "veth, bridge, VXLAN and traffic control" },
  { name: "nftables", purpose: "firewall" },
  { name: "redis-server", purpose: "telemetry store of the control plane", units: ["redis-server.service"] },
  { name: "mmdebstrap", purpose: "builds Debian images" },
  { name: "socat", purpose: "forwards sockets; the migration check's server" },
  { name: "zstd", purpose: "reads and writes image archives" },
  { name: "tar", purpose: "image archives; CRIU saves tmpfs contents with it" },
  { name: "tini", purpose: "first process of a lab host: reaps, passes signals on" },
  { name: "util-linux", purpose: "unshare, nsenter, setpriv" },
  { name: "mount", purpose: "mounts, loop devices" },
  { name: "kmod", purpose: "loads kernel modules where the kernel has them" },
  { name: "debian-archive-keyring", purpose: "verifies what images are built from" },
];

/** What only tests and benchmarks need. */
export const testPackages: readonly PackageChoice[] = [
  {
    name: "podman",
    purpose: "peer in the migration benchmark",
    units: [
      "podman.service",
      "podman.socket",
      "podman-restart.service",
      "podman-auto-update.service",
      "podman-auto-update.timer",
      "netavark-dhcp-proxy.service",
      "netavark-dhcp-proxy.socket",
      "netavark-firewalld-reload.service",
    ],
  },
  { name: "postgresql-client", purpose: "talks to the database that tests move" },
  { name: "redis-tools", purpose: "redis-cli and redis-benchmark" },
  { name: "wrk", purpose: "keeps a web server's connections busy" },
  { name: "mariadb-client", purpose: "mysqlslap, the load on a MariaDB" },
  { name: "openssh-client", purpose: "a login that stays open" },
  { name: "gcc", purpose: "compiles the programs that each make one kind of kernel state" },
  { name: "libc6-dev", purpose: "headers and static library for them" },
];

/** What `lab up --vm` needs, beside a kernel: see guest-system.ts. */
export const vmPackages: readonly PackageChoice[] = [
  { name: "qemu-system-x86", purpose: "runs a lab host with a kernel of its own, and shows it the machine's files" },
];
