import type { Isolation } from "@vfleet/shared";
import { defaultCapabilities } from "./isolation-defaults.ts";

interface Mount {
  destination: string;
  type: string;
  source: string;
  options: string[];
}

export interface IsolationProfile {
  capabilities: readonly string[];
  /** Beside those that every server has. */
  mounts: (memoryBytes: number) => Mount[];
  /** Whether it may mount, and make mount namespaces for its services. */
  mayMount: boolean;
  /** Whether its part of systemd's cgroup hierarchies is its own to divide. */
  dividesCgroups: boolean;
  /** Number of the signal that asks its first process to end. */
  stopSignal: string;
}

/** All of them hold in the server's own user namespace only. */
const initCapabilities = [
  ...defaultCapabilities,
  // Mounts and the host name.
  "CAP_SYS_ADMIN",
  // Looks at the processes of its services, which have users of their own.
  "CAP_SYS_PTRACE",
  "CAP_DAC_READ_SEARCH",
  "CAP_SETFCAP",
  "CAP_AUDIT_WRITE",
] as const;

const volatileOptions = ["nosuid", "nodev"];

/** What a server may be besides a user namespace with a filter. */
export const isolationProfiles: Record<Isolation, IsolationProfile> = {
  Default: {
    capabilities: defaultCapabilities,
    mounts: () => [],
    mayMount: false,
    dividesCgroups: false,
    stopSignal: "15",
  },
  /** systemd's own wishes: systemd.io/CONTAINER_INTERFACE. */
  Systemd: {
    capabilities: initCapabilities,
    mounts: (memoryBytes) => [
      ...["/run", "/tmp"].map((destination) => ({
        destination,
        type: "tmpfs",
        source: "tmpfs",
        options: [
          ...volatileOptions,
          `mode=${destination === "/run" ? "755" : "1777"}`,
          `size=${Math.floor(memoryBytes / 2)}`,
        ],
      })),
      {
        destination: "/run/lock",
        type: "tmpfs",
        source: "tmpfs",
        options: [...volatileOptions, "noexec", "mode=1777", "size=5242880"],
      },
      {
        destination: "/sys/fs/cgroup",
        type: "cgroup",
        source: "cgroup",
        options: ["nosuid", "noexec", "nodev", "relatime", "rw"],
      },
    ],
    mayMount: true,
    dividesCgroups: true,
    // SIGRTMIN+3: halt. SIGTERM makes systemd start itself anew.
    stopSignal: "37",
  },
};
