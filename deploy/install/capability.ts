/** Bits of capability.h (capabilities(7)) that vfleet uses, and what for. */
export const neededCapabilities = [
  { name: "CAP_CHOWN", bit: 0, purpose: "gives files to the users of a server" },
  { name: "CAP_DAC_OVERRIDE", bit: 1, purpose: "reads and writes images" },
  { name: "CAP_DAC_READ_SEARCH", bit: 2, purpose: "opens files by handle in a dump" },
  { name: "CAP_FOWNER", bit: 3, purpose: "sets modes of image files" },
  { name: "CAP_FSETID", bit: 4, purpose: "keeps set-user-id bits of image files" },
  { name: "CAP_KILL", bit: 5, purpose: "signals a server's processes" },
  { name: "CAP_SETGID", bit: 6, purpose: "starts processes of a server's groups" },
  { name: "CAP_SETUID", bit: 7, purpose: "starts processes of a server's users" },
  { name: "CAP_SETPCAP", bit: 8, purpose: "limits what a server may do" },
  { name: "CAP_NET_ADMIN", bit: 12, purpose: "makes bridges and tunnels, freezes connections" },
  { name: "CAP_NET_RAW", bit: 13, purpose: "announces an address that moved" },
  { name: "CAP_SYS_CHROOT", bit: 18, purpose: "enters a server's root" },
  { name: "CAP_SYS_PTRACE", bit: 19, purpose: "reads processes in a dump" },
  { name: "CAP_SYS_ADMIN", bit: 21, purpose: "mounts, namespaces, checkpoint and restore" },
  { name: "CAP_MKNOD", bit: 27, purpose: "makes device files of images" },
  { name: "CAP_SETFCAP", bit: 31, purpose: "maps users, keeps file capabilities of images" },
] as const;

/** Missing it limits what can be dumped, but servers in user namespaces work. */
export const resourceCapability = { name: "CAP_SYS_RESOURCE", bit: 24 } as const;

export function hasCapability(set: bigint, bit: number): boolean {
  return ((set >> BigInt(bit)) & 1n) === 1n;
}
