/** What every server may do, and may not see. */
export const defaultCapabilities = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FSETID",
  "CAP_FOWNER",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETPCAP",
  "CAP_NET_BIND_SERVICE",
  "CAP_KILL",
  // sshd and others shut their unprivileged children in an empty folder; the user namespace bounds it.
  "CAP_SYS_CHROOT",
] as const;

/**
 * A folder among them becomes a tmpfs, which CRIU packs while the server is frozen: each costs a move 15 ms of its pause. So /proc/acpi is not one: it
 * only names devices that may wake the host, and nothing in it can be written from a user namespace.
 */
export const maskedPaths = [
  "/proc/asound",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/sys/devices/virtual/powercap",
  "/sys/firmware",
] as const;

export const readonlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"] as const;

/** Character devices by number (Documentation/admin-guide/devices.txt): null zero full random urandom tty console ptmx pts. */
const characterDevices = [
  [1, 3],
  [1, 5],
  [1, 7],
  [1, 8],
  [1, 9],
  [5, 0],
  [5, 1],
  [5, 2],
  [136, undefined],
] as const;

/** Everything is denied, then these are let through. */
export const deviceRules = [
  { allow: false, access: "rwm" },
  ...characterDevices.map(([major, minor]) => ({
    allow: true,
    type: "c",
    major,
    ...(minor === undefined ? {} : { minor }),
    access: "rwm",
  })),
];

/** In the server's environment unless it says otherwise. */
export const defaultEnvironment = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  container: "vfleet",
  TERM: "xterm",
} as const;
