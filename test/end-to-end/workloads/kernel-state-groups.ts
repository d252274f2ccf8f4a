/**
 * The programs of test/workloads/kernel-state by the server they run in. What belongs together is moved together: that
 * is fast, and closer to a real server than one kind of state alone.
 */
export const kernelStateGroups: Record<string, readonly string[]> = {
  pipes: [
    "pipe",
    "fifo",
    "eventfd",
    "epoll",
    "unix-stream",
    "unix-datagram",
    "unix-abstract",
    "unix-rights",
    "unix-late-accept",
  ],
  internet: [
    "udp",
    "tcp-half-closed",
    "tcp-in-flight",
    "tcp-stream",
    "tcp-backlog",
    "ipv6",
    "netlink",
    "ping-socket",
    "timerfd",
    "timerfd-expired",
    "interval-timer",
    "posix-timer",
    "clocks",
    "signals-pending",
    "signal-actions",
  ],
  memory: [
    "shared-memory-posix",
    "shared-memory-sysv",
    "semaphores-sysv",
    "semaphores-posix",
    "message-queue-sysv",
    "memfd",
    "sparse-mapping",
    "reserved-address-space",
    "mapped-file",
    "async-io",
    "changing-memory",
  ],
  // By post-copy: its pages come while it changes where they belong.
  "post-copy": ["changing-memory", "threads", "sparse-mapping", "processes"],
  processes: [
    "threads",
    "processes",
    "zombies",
    "credentials",
    "seccomp-filter",
    "pseudo-terminal",
    "pidfd",
    "refused",
  ],
  files: ["file-locks", "deleted-file", "deleted-folder", "descriptors", "inotify", "tmpfs"],
};

/** What CRIU 4.2 cannot dump, or restore: the move is refused with its reason, and the server runs on with its state. */
export const refusedPrograms: readonly (readonly [program: string, reason: RegExp])[] = [
  ["pipe-packets", /packetized mode for pipes is not supported/],
  ["message-queue-posix", /Can't lookup mount=\d+ for fd=3 path=\/queue/],
  ["removed-link", /Can't get owner of link remap/],
  ["unix-early-data", /Non-empty write queue on an in-flight socket/],
];

/** What CRIU 4.2 does not bring along and says nothing of. A newer one that does makes its test fail: then it joins a group. */
export const lostPrograms: readonly string[] = ["eventfd-semaphore"];
